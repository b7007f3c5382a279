"""One processor for a process whose threads take turns.

Python runs one thread of a process at a time. The kernel spreads a process's threads over the processors all the
same: each turn then wakes another processor, which finds its caches cold. Nova and Neutron take thousands of turns a
second where many servers are made; that took a fifth less time with each of them on one processor.

Not for processes that leave much to code which takes no turns: that hashes passwords, or copies images.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

SYSTEM = Path("/sys/devices/system/cpu")
NOVA, NEUTRON = range(2)
"""Which of the processors each takes, in the order of `order`."""


def stay(place: int) -> None:
    """Run on one of the processors that this process may use.

    To be called while the process has one thread: those that it starts stay where it is. So would the programs that
    it starts, but for the replacement `one-processor`.
    """
    preferred = order(os.sched_getaffinity(0))
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, {preferred[place % len(preferred)]})


def order(allowed: Iterable[int], system: Path = SYSTEM) -> list[int]:
    """The fastest first; a second thread of a core after the first ones of all, as it shares what a core can."""

    def rank(number: int) -> tuple[int, int, int]:
        cpu = system / f"cpu{number}"
        threads = _read(cpu / "topology/core_cpus_list") or str(number)
        # "0,4", or "0-1" where they follow each other.
        first = int(threads.replace("-", ",").split(",")[0])
        return (number - first, -int(_read(cpu / "cpu_capacity") or 0), number)

    return sorted(allowed, key=rank)


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
