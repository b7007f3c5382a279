"""Runs a long command and reads its output meanwhile, to show its progress."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from onestack.core.wait import Deadline
from onestack.host.command import CommandFailed
from onestack.host.progress import Progress, tree

_PERIOD = 0.2
"""How often its output is read, in seconds."""


def follow(
    argv: Sequence[str],
    *,
    log: Path,
    seconds: float,
    heard: Callable[[str], None],
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a command to its end; `heard` gets each line of its output, and `log` all of it.

    `seconds`: how long it may make no progress: no output, no CPU time, no disk transfers. The command never
    outlives this call. Raises CommandFailed.
    """
    with log.open("w") as out, log.open(errors="replace") as lines:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
        works = Progress(lambda: tree(process.pid))
        written = 0

        def working() -> bool:
            nonlocal written
            before, written = written, log.stat().st_size
            return works() or written > before

        deadline = Deadline(seconds, working)
        try:
            status = None
            while status is None:
                status = process.poll()
                # Read once more after its end; before, the last line may be incomplete.
                _read_lines(lines.read(), heard)
                if status is None and deadline.passed():
                    break
                if status is None:
                    time.sleep(_PERIOD)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(30)
    if status != 0:
        raise CommandFailed(argv, status, log.read_text(errors="replace"))


def _read_lines(text: str, heard: Callable[[str], None]) -> None:
    for line in text.splitlines():
        heard(line)
