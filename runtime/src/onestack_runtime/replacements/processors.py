"""The child processes of a process that is pinned to one processor run on all (see `serving.processors`)."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from onestack_runtime.replacements.entry import Replacement, of_server

NAME = "one-processor"


def _start(upstream: Any) -> tuple[Any, ...]:
    # Read when the replacement is installed, before the process is pinned.
    all_processors = os.sched_getaffinity(0)

    def start_unpinned(self: Any, *args: Any, **named: Any) -> None:
        # A child inherits the affinity of the thread that starts it. OSError: a processor was taken away meanwhile.
        own = os.sched_getaffinity(0)
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, all_processors)
        try:
            upstream(self, *args, **named)
        finally:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(0, own)

    return (start_unpinned,)


ENTRIES = (
    Replacement(
        NAME,
        ("subprocess:Popen.__init__",),
        ("nova", "neutron"),
        "performance",
        "the process is pinned to one processor, since only one of its threads runs at a time; its child processes "
        "may run on all",
        _start,
        of_server("3.3 ± 0.4", "10.5 ± 0.9"),
        # Each project has a fixed processor: several processes of it would share that one.
        alone=True,
    ),
)
