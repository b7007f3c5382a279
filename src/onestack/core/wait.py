"""Waiting for a condition with a deadline; a wait that fails says what it waited for and what it saw last."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from onestack.core.errors import Unready


def until(
    what: str,
    look: Callable[[], tuple[bool, str]],
    *,
    seconds: float,
    every: float = 0.1,
    where: str | Path | None = None,
    evidence: Callable[[], str] = lambda: "",
) -> str:
    """Call `look` until its first value is True; its second says what it saw, and is returned.

    `seconds`: the deadline; `every`: the pause between looks, in seconds. `where` names the log to read,
    `evidence` gives its last lines. Raises Unready.
    """
    deadline = time.monotonic() + seconds
    while True:
        done, seen = look()
        if done:
            return seen
        if time.monotonic() >= deadline:
            raise Unready(
                f"waited {seconds:.0f} s for {what}; last seen: {seen or 'nothing'}",
                detail=evidence(),
                where=str(where) if where else None,
            )
        time.sleep(every)
