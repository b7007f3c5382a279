"""Which processes are the cloud's: those whose mount namespace is the cloud's. No names are guessed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Proc:
    """A process. `words`: its command line."""

    pid: int
    words: tuple[str, ...]

    @property
    def program(self) -> str:
        return Path(self.words[0]).name if self.words else ""

    @property
    def is_guest(self) -> bool:
        return self.program.startswith("qemu-system")


def inside(handle: Path) -> list[Proc]:
    """The processes that live in the mount namespace held by `handle`; none when it is not there."""
    try:
        wanted = handle.stat().st_ino
    except FileNotFoundError:
        return []
    found = []
    for pid in _pids():
        try:
            if Path(f"/proc/{pid}/ns/mnt").stat().st_ino == wanted:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                found.append(Proc(pid, tuple(word.decode(errors="replace") for word in words if word)))
        except OSError:  # gone meanwhile, or (the first process of a container) not ours to see
            continue
    return found


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def end(find: Callable[[], list[Proc]], *, seconds: float = 10) -> list[Proc]:
    """End what `find` finds: SIGTERM, then after `seconds` SIGKILL. What is left is returned (nothing, normally)."""
    deadline = time.monotonic() + seconds
    asked: set[int] = set()
    while living := find():
        late = time.monotonic() > deadline
        if time.monotonic() > deadline + 10:
            return living
        for proc in living:
            if late or proc.pid not in asked:
                asked.add(proc.pid)
                try:
                    os.kill(proc.pid, signal.SIGKILL if late else signal.SIGTERM)
                except ProcessLookupError:
                    continue
        time.sleep(0.1)
    return []


def memory(pid: int) -> int | None:
    """The proportional set size of a process in KiB; None when it is gone."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        return None
    return None
