"""Measures whether processes do anything, so that a deadline applies only to those that do not.

Work is CPU time or disk transfers. Lines in a log do not count, since a service that retries in vain writes some as
well.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

SHARE = 0.1
"""The share of one processor from which on processes count as working; an idle cloud takes 0.02."""
BYTES = 500_000
"""Disk transfers (read and written), in bytes a second, from which on processes count as working."""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Used:
    """A process's resource usage so far: `cpu` seconds (with its ended children), `disk` bytes."""

    cpu: float
    disk: int


def used(pid: int) -> Used | None:
    """A process's resource usage; None if it has ended."""
    try:
        # The program's name, in parentheses, may contain any character.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        counts = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    except OSError:
        return None
    return Used(sum(map(int, fields[11:15])) / _TICKS, int(counts["read_bytes"]) + int(counts["write_bytes"]))


def tree(pid: int) -> set[int]:
    """A process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        found.add(one := waiting.pop())
        waiting += children.get(one, [])
    return found


class Progress:
    """Whether the processes that `find` returns worked since the last call (at first: since this object was
    created)."""

    def __init__(
        self,
        find: Callable[[], Iterable[int]],
        *,
        measure: Callable[[int], Used | None] = used,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find, self._measure, self._clock = find, measure, clock
        self._time, self._before = clock(), self._usage()

    def _usage(self) -> dict[int, Used]:
        return {pid: now for pid in self._find() if (now := self._measure(pid))}

    def __call__(self) -> bool:
        now, usage = self._clock(), self._usage()
        seconds, before = max(now - self._time, 0.001), self._before
        nothing = Used(0.0, 0)
        cpu = sum(max(0.0, each.cpu - before.get(pid, nothing).cpu) for pid, each in usage.items())
        disk = sum(max(0, each.disk - before.get(pid, nothing).disk) for pid, each in usage.items())
        self._time, self._before = now, usage
        return cpu / seconds >= SHARE or disk / seconds >= BYTES
