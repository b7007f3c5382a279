"""All tests, in two parts beside each other: most of the time a test on a cloud waits, and leaves a processor idle.

What the first part says is shown as it comes; what the second one says is kept in a file, and shown after the first
has ended. A last part, the tests on several hosts, runs alone after both. Which test belongs to which part,
tests/conftest.py says.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import failures

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
LOG = BUILD / "tests-other.log"
PARTS = ("shared", "other", "cluster")
"""The first two run beside each other, the last one after them."""
LOOK = 0.5
"""Seconds between two looks at what the second part has said meanwhile."""
SLOWEST = "--durations=40"


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def report_of(part: str) -> Path:
    """Where a part's results are written."""
    return BUILD / f"tests-{part}.xml"


def pytest_of(part: str) -> list[str]:
    """The command line of a part."""
    return [sys.executable, "-u", "-m", "pytest", "--part", part, SLOWEST, failures.report(report_of(part))]


@contextmanager
def passed_on(processes: Sequence[subprocess.Popen[bytes]]) -> Iterator[list[int]]:
    """Who ends this process ends those, once each; they are waited for as long as they take to tidy up.

    Yields the signals that came.
    """
    heard: list[int] = []

    def pass_on(number: int, frame: object) -> None:
        heard.append(number)
        for each in processes:
            if each.poll() is None:
                each.send_signal(signal.SIGTERM)

    ends = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, pass_on) for number in ends]
    try:
        yield heard
    finally:
        for number, handler in zip(ends, before, strict=True):
            signal.signal(number, handler)


def run(first: Sequence[str], second: Sequence[str], log: Path, last: Sequence[str] | None = None) -> int:
    """Run both and show what they say, then the last, unless an end came. Returns 0 if all did, else one's status."""
    log.parent.mkdir(exist_ok=True)
    processes: list[subprocess.Popen[bytes]] = []
    with passed_on(processes) as heard, log.open("wb") as kept, log.open("rb") as said:
        processes.append(
            subprocess.Popen(second, stdin=subprocess.DEVNULL, stdout=kept, stderr=subprocess.STDOUT)
        )
        processes.append(subprocess.Popen(first))
        other, one = processes
        one.wait()
        ended = False
        while not ended:
            ended = other.poll() is not None
            sys.stdout.buffer.write(said.read())
            sys.stdout.flush()
            if not ended:
                time.sleep(LOOK)
        if last and not heard:
            processes.append(subprocess.Popen(last))
            processes[-1].wait()
    return next(filter(None, map(shell_status, [one, other, *processes[2:]])), 0)


def shell_status(process: subprocess.Popen[bytes]) -> int:
    """What a shell would say of a process that has ended."""
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def main() -> int:
    say(f"Two parts beside each other. The second, with the newcomer's path, is shown after the first: {LOG}")
    reports = [report_of(part) for part in PARTS]
    for each in reports:
        each.unlink(missing_ok=True)
    first, second, last = map(pytest_of, PARTS)
    status = run(first, second, LOG, last)
    if failed := failures.of(reports):
        say("\n".join(["", "Failed, in all parts:", *failed]))
    return status


if __name__ == "__main__":
    sys.exit(main())
