"""Runs one command on this machine: the only place that waits for a subprocess.

A command is a list of words. Its output is kept, so that an error can show the last relevant lines.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from onestack.core.errors import PermanentError
from onestack.core.wait import PERIOD, Deadline
from onestack.host.progress import Progress, tree

CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
"""The environment of a command that inherits none."""


class CommandFailed(PermanentError):
    """A command ended with a status other than 0, or was killed at its deadline."""

    def __init__(self, argv: Sequence[str], status: int | None, output: str, hint: str = "") -> None:
        how = "did not end in time" if status is None else f"ended with status {status}"
        super().__init__(f"{named(argv)} {how}", detail=last_lines(output), hint=hint)
        self.status = status
        self.output = output


def named(argv: Sequence[str]) -> str:
    """The name of a command for messages: its program and first words, without what could be secret."""
    words = list(argv)
    if words[0] == "nsenter" and "--" in words:
        words = words[words.index("--") + 1 :]
    # For python3 -P -m onestack_runtime.admin.migrate nova: the module and its argument, not the interpreter.
    if "-m" in words[:4]:
        return " ".join(words[words.index("-m") + 1 :][:2])
    return " ".join([Path(words[0]).name, *words[1:3]])


def last_lines(text: str, count: int = 12) -> str:
    """The last `count` non-empty lines."""
    return "\n".join([line.rstrip() for line in text.splitlines() if line.strip()][-count:])


def run(
    argv: Sequence[str],
    *,
    seconds: float = 60,
    text_in: str | None = None,
    environment: Mapping[str, str] | None = None,
    inherit: bool = True,
    check: bool = True,
    log: Path | None = None,
    patient: bool | Callable[[], bool] = False,
) -> str:
    """Run a command; returns its output (stdout and stderr together).

    `seconds`: the deadline, at which the command is killed. `patient`: the deadline is extended while the command's
    own processes work, or while this function returns True (if a server works for the command). `environment`:
    variables in addition to ours; without `inherit` the only ones, since a cloud's processes must not depend on the
    user's shell. `log`: a file to which the output is appended as well. Raises CommandFailed unless `check` is off.
    """
    env = {**(os.environ if inherit else CLEAN), **(environment or {})}
    with _readable(text_in) as given:
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=env,
            )
        except FileNotFoundError as missing:
            raise PermanentError(f"{argv[0]} is not installed on this machine") from missing
    with process:
        try:
            output, status = _wait(process, seconds, patient)
        except BaseException:
            process.kill()
            raise
        if status is None:
            process.kill()
            raise CommandFailed(argv, None, output)
    if log is not None:
        with log.open("a") as file:
            file.write(output)
    if check and status != 0:
        raise CommandFailed(argv, status, output)
    return output


@contextmanager
def _readable(text: str | None) -> Iterator[IO[bytes] | int]:
    """A text as a command's standard input: a file in memory.

    A pipe would have to be written to while the command runs, and communicate() stops writing after its first
    timeout. It is not a file on disk, since the text may be secret.
    """
    if text is None:
        yield subprocess.DEVNULL
        return
    with os.fdopen(os.memfd_create("standard input"), "w+b") as file:
        file.write(text.encode())
        file.seek(0)
        yield file


def _wait(
    process: subprocess.Popen[str], seconds: float, patient: bool | Callable[[], bool]
) -> tuple[str, int | None]:
    """The output and exit status of a process; the status is None if its deadline passed."""
    working = Progress(lambda: tree(process.pid)) if patient is True else patient or None
    deadline = Deadline(seconds, working)
    while True:
        try:
            output, _ = process.communicate(timeout=min(seconds, PERIOD) if working else seconds)
            return output, process.returncode
        except subprocess.TimeoutExpired as late:
            if deadline.passed():
                raw = late.output or b""
                return raw.decode(errors="replace") if isinstance(raw, bytes) else raw, None


def succeeds(argv: Sequence[str], *, seconds: float = 20) -> bool:
    """Whether a command ends in time with status 0."""
    try:
        run(argv, seconds=seconds)
    except PermanentError:
        return False
    return True
