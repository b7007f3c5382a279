"""Waiting for a condition with a deadline; a wait that fails says what it waited for and what it saw last."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from onestack.core.errors import Unready

PERIOD = 5.0
"""Seconds between two questions whether work is being done."""
LIMIT = 3600.0
"""Seconds after which a wait ends, however busy the machine is: something may be busy for ever."""


class Deadline:
    """A moment that is put off while work is being done: what is slow is waited for, what stands still is not.

    `seconds`: how long nothing may happen. `working`: whether something did since it was last asked; without it the
    deadline is a plain one.
    """

    def __init__(
        self,
        seconds: float,
        working: Callable[[], bool] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._working = working
        self._clock = clock
        self._begun = self._asked = clock()
        self._at = self._begun + seconds

    def passed(self) -> bool:
        """Whether it is over. Asks `working` at most once in PERIOD."""
        now = self._clock()
        if self._working and now - self._asked >= PERIOD:
            self._asked = now
            if self._working():
                self._at = max(self._at, min(now + self._seconds, self._begun + LIMIT))
        return now >= self._at

    @property
    def waited(self) -> str:
        """How long it was waited, in words."""
        total = self._clock() - self._begun
        if total < self._seconds + PERIOD:
            return f"{total:.0f} s"
        return f"{total:.0f} s, of them {self._seconds:.0f} s without progress"


def until(
    what: str,
    look: Callable[[], tuple[bool, str]],
    *,
    seconds: float,
    every: float = 0.1,
    where: str | Path | None = None,
    evidence: Callable[[], str] = lambda: "",
    working: Callable[[], bool] | None = None,
) -> str:
    """Call `look` until its first value is True; its second says what it saw, and is returned.

    `seconds`: the deadline; `every`: the pause between looks, in seconds. `where` names the log to read,
    `evidence` gives its last lines. With `working`, the deadline is put off while that is True. Raises Unready.
    """
    deadline = Deadline(seconds, working)
    while True:
        done, seen = look()
        if done:
            return seen
        if deadline.passed():
            raise Unready(
                f"waited {deadline.waited} for {what}; last seen: {seen or 'nothing'}",
                detail=evidence(),
                where=str(where) if where else None,
            )
        time.sleep(every)
