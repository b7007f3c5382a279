"""A child process of a check, such as a test suite: its output is read line by line, and it ends at a deadline or
with the tool.

Its standard input is a pipe that is open while the tool runs. A program that watches the pipe (as `follow.py` does)
ends even if the tool was killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

STOP_SECONDS = 15.0


class Child:
    """The process group of the child."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.late = False

    def lines(self) -> Iterator[str]:
        """The lines of its output, until it has ended."""
        assert self._process.stdout is not None
        yield from self._process.stdout
        self._process.wait()

    @property
    def exit_status(self) -> int | None:
        """Its exit status, once it has ended."""
        return self._process.poll()

    def stop_late(self) -> None:
        """Stop it: the deadline has passed."""
        self.late = True
        self.stop()

    def stop(self) -> None:
        """End the group with SIGTERM, and with SIGKILL after STOP_SECONDS."""
        if self._process.poll() is not None:
            return
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)


@contextmanager
def running(
    argv: Sequence[str], variables: Mapping[str, str], errors: Path, seconds: float
) -> Iterator[Child]:
    """Run a program with exactly these environment variables; `errors` gets its standard error."""
    with errors.open("w") as log:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            errors="replace",
            env=dict(variables),
            start_new_session=True,
        )
    child = Child(process)
    deadline = threading.Timer(seconds, child.stop_late)
    deadline.daemon = True
    deadline.start()
    try:
        yield child
    finally:
        deadline.cancel()
        child.stop()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()
