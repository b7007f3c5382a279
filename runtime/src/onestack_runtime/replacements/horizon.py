"""Horizon's pages do not wait for idle threads.

Each page calls several APIs in parallel, with a thread pool for each group of calls. At the pool's end the page
waits until each idle thread checks whether the pool is shut down, which it does once a second; a page has up to
three pools. futurist has no option for this interval. Checking more often costs little, since a pool lives only as
long as its calls.
"""

from __future__ import annotations

from typing import Any

from onestack_runtime.replacements.entry import Replacement

IDLE_SECONDS = 0.01


def _idle(original: Any) -> tuple[Any, ...]:
    return (IDLE_SECONDS,)


ENTRIES = (
    Replacement(
        "idle-threads",
        ("futurist._thread:ThreadWorker.MAX_IDLE_FOR",),
        ("horizon",),
        "performance",
        "an idle thread of a page's pool checks after 10 ms, not after a second, whether the pool is shut down",
        _idle,
        "up to three seconds for each page (c6a7f1e)",
        uses=("futurist._thread:ThreadWorker._wait_for_work", "futurist._thread:ThreadWorker.run"),
    ),
)
