"""Processes by what the kernel says of them: a pid with its start, and the pid namespace they are in.

No names are guessed, and a pid that was given to another process meanwhile is never taken for the first one.
"""

from __future__ import annotations

import fcntl
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from onestack.core.wait import until

NS_GET_PARENT = 0xB702
"""The ioctl that opens the namespace a pid namespace was made in: ioctl_ns(2)."""
END_SECONDS = 60.0
"""A process that waits for a slow disk ends late."""


@dataclass(frozen=True)
class Held:
    """A process that holds namespaces. `started`: clock ticks since the machine's boot."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Held:
        """Raises FileNotFoundError where there is no such process."""
        return cls(pid, _started(pid))

    @property
    def lives(self) -> bool:
        """Whether it is there; what has ended and was not waited for yet is not."""
        try:
            return _started(self.pid) == self.started and _state(self.pid) != "Z"
        except OSError:
            return False

    def end(self) -> None:
        """Kill it, and with the first process of a pid namespace all that are in there; wait until it is gone."""
        if self.lives:
            os.kill(self.pid, signal.SIGKILL)
        until(
            f"process {self.pid} to end",
            lambda: (not self.lives, "it is there"),
            seconds=END_SECONDS,
            every=0.02,
        )

    def namespace(self, kind: str) -> Path:
        return Path(f"/proc/{self.pid}/ns/{kind}")


def _fields(pid: int) -> list[str]:
    # The program's name, in brackets, may hold blanks.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _started(pid: int) -> int:
    return int(_fields(pid)[19])


def _state(pid: int) -> str:
    return _fields(pid)[0]


def within(first: Held) -> list[int]:
    """The pids, as this process sees them, of all in a process's pid namespace and in those made within it."""
    with suppress(OSError):
        wanted = first.namespace("pid").stat().st_ino
        known: dict[int, bool] = {}
        return [pid for pid in _pids() if first.lives and _belongs(pid, wanted, known)]
    return []


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _belongs(pid: int, wanted: int, known: dict[int, bool]) -> bool:
    try:
        descriptor = os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY)
    except OSError:
        return False
    seen: list[int] = []
    try:
        while (number := os.fstat(descriptor).st_ino) not in known:
            seen.append(number)
            if number == wanted:
                known[number] = True
                break
            parent = fcntl.ioctl(descriptor, NS_GET_PARENT)
            os.close(descriptor)
            descriptor = parent
        answer = known[number]
    except OSError:
        # Above our own there is none to be seen.
        answer = False
    finally:
        os.close(descriptor)
    known.update(dict.fromkeys(seen, answer))
    return answer


def freeze(first: Held) -> None:
    """Stop all in a process's pid namespace: again until none is found that runs, for they start others meanwhile."""

    def stopped() -> tuple[bool, str]:
        running = [pid for pid in within(first) if not _is_stopped(pid)]
        for pid in running:
            _signal(pid, signal.SIGSTOP)
        return not running, f"{running} run"

    until("all processes of a host to be stopped", stopped, seconds=END_SECONDS, every=0.02)


def thaw(first: Held) -> None:
    """Let all go on."""
    for pid in within(first):
        _signal(pid, signal.SIGCONT)


def _is_stopped(pid: int) -> bool:
    try:
        return _state(pid) in "TtZX"
    except OSError:
        return True


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def children(parent: int) -> list[int]:
    """The processes that a process has started itself."""
    found = []
    for pid in _pids():
        with suppress(OSError):
            if int(_fields(pid)[1]) == parent:
                found.append(pid)
    return found


def words(pid: int) -> str:
    """A process's command line; empty where it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""
