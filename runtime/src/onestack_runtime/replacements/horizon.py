"""Horizon's pages do not wait for idle threads.

Pages ask several APIs side by side, with a pool of threads for each such group; at its end they wait until each idle
thread looks whether it is over, and that it does once a second: a page has up to three. futurist has no setting for
it. The looks cost nothing else: a pool lives as long as its calls.
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
        "an idle thread of a page's pool looks after 10 ms, not after a second, whether the page is done with it",
        _idle,
        "up to three seconds for each page (c6a7f1e)",
        uses=("futurist._thread:ThreadWorker._wait_for_work", "futurist._thread:ThreadWorker.run"),
    ),
)
