"""What a process that stays on one processor starts may run on all (see `onestack_runtime.serving.processors`)."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from onestack_runtime.replacements.entry import Replacement

NAME = "one-processor"


def _start(start: Any) -> tuple[Any, ...]:
    allowed = os.sched_getaffinity(0)

    def start_anywhere(self: Any, *args: Any, **named: Any) -> None:
        # A child gets what the thread has that starts it. Processors may be taken away while the process runs.
        mine = os.sched_getaffinity(0)
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, allowed)
        try:
            start(self, *args, **named)
        finally:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(0, mine)

    return (start_anywhere,)


ENTRIES = (
    Replacement(
        NAME,
        ("subprocess:Popen.__init__",),
        ("nova", "neutron"),
        "performance",
        "the process stays on one processor, since its threads take turns; what it starts may run anywhere",
        _start,
        "`apply` of 100 servers a fifth faster, an eighth less of all processors' time (c668341)",
        # Which processor is a project's is a constant: several processes of it would share that one.
        alone=True,
    ),
)
