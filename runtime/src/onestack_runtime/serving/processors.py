"""Pins a process to one processor.

Because of Python's global interpreter lock (GIL), only one thread of a process runs at a time. The kernel spreads the
threads over all processors nevertheless: each switch of threads then wakes another processor, whose caches are cold.
Nova and Neutron switch thousands of times a second while many servers are created; that took a fifth less time with
each of them pinned to one processor.

Processes in which much of the work releases the GIL, such as hashing passwords or copying images, must not be pinned.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

SYSTEM = Path("/sys/devices/system/cpu")
NOVA, NEUTRON = range(2)
"""Each project's index in the list of processors (`order`)."""


def pin(index: int) -> None:
    """Pin this process to the processor with this index in `order`.

    Call it while the process has one thread: later threads inherit the affinity. So would child processes, without
    the replacement `one-processor`.
    """
    preferred = order(os.sched_getaffinity(0))
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, {preferred[index % len(preferred)]})


def order(allowed: Iterable[int], system: Path = SYSTEM) -> list[int]:
    """The processors, fastest first. The second threads of all cores come last: they share their core's capacity."""

    def rank(number: int) -> tuple[int, int, int]:
        cpu = system / f"cpu{number}"
        threads = _read(cpu / "topology/core_cpus_list") or str(number)
        # A list as "0,4", or a range as "0-1".
        first = int(threads.replace("-", ",").split(",")[0])
        return (number - first, -int(_read(cpu / "cpu_capacity") or 0), number)

    return sorted(allowed, key=rank)


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
