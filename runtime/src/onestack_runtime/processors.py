"""One processor for a process whose threads take turns.

Python runs one thread of a process at a time. The kernel spreads a process's threads over the processors all the
same: each turn then wakes another processor, which finds its caches cold. Nova and Neutron take thousands of turns a
second where many servers are made; that took a fifth less time with each of them on one processor.

Not for processes that leave much to code which takes no turns: that hashes passwords, or copies images.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SYSTEM = Path("/sys/devices/system/cpu")
NOVA, NEUTRON = range(2)
"""Which of the processors each takes, in the order of `order`."""


def stay(place: int) -> None:
    """Run on one of the processors that this process may use. What it starts may use them all.

    To be called while the process has one thread: those that it starts stay where it is.
    """
    allowed = os.sched_getaffinity(0)
    preferred = order(allowed)
    mine = {preferred[place % len(preferred)]}
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, mine)
        _free_children(allowed, mine)


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


def _free_children(allowed: set[int], mine: set[int]) -> None:
    start = subprocess.Popen.__init__

    def start_anywhere(self: Any, *args: Any, **named: Any) -> None:
        # A child gets what the thread has that starts it. Processors may be taken away while the process runs.
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, allowed)
        try:
            start(self, *args, **named)
        finally:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(0, mine)

    subprocess.Popen.__init__ = start_anywhere  # type: ignore[method-assign]
