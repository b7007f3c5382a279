"""Waits for a condition with a deadline. The error of a failed wait says what it waited for and what it observed
last."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from onestack.core.errors import Unready

PERIOD = 5.0
"""Seconds between two checks whether work is being done."""
LIMIT = 3600.0
"""Seconds after which every wait ends, even on a machine that stays busy."""

REST = 25.0
"""How many times longer than its poll takes a wait among many pauses: a dozen waits must not use up a slow machine's
processors. On a fast machine the requested pauses are longer than that anyway."""
LONGEST = 5.0
"""The longest such pause, in seconds."""


class Deadline:
    """A deadline that is extended while work is being done: it passes only after `seconds` without progress.

    `working`: whether work was done since its last call; without it the deadline is fixed.
    """

    def __init__(
        self,
        seconds: float,
        working: Callable[[], bool] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        cost: Callable[[], float] = time.thread_time,
    ) -> None:
        self._seconds = seconds
        self._working = working
        self._clock = clock
        self._cost = cost
        self._pause = PERIOD
        self._begun = self._asked = clock()
        self._at = self._begun + seconds

    def passed(self) -> bool:
        """Whether it has passed. Calls `working` at most once in PERIOD, and less often if the call is expensive."""
        now = self._clock()
        if self._working and (
            now - self._asked >= self._pause or (now >= self._at and now - self._asked >= PERIOD)
        ):
            self._asked, before = now, self._cost()
            works = self._working()
            self._pause = max(PERIOD, REST * (self._cost() - before))
            if works:
                self._at = max(self._at, min(now + self._seconds, self._begun + LIMIT))
        return now >= self._at

    @property
    def waited(self) -> str:
        """How long it has been waited, in words."""
        total = self._clock() - self._begun
        if total < self._seconds + PERIOD:
            return f"{total:.0f} s"
        return f"{total:.0f} s, of them {self._seconds:.0f} s without progress"


def until(
    what: str,
    poll: Callable[[], tuple[bool, str]],
    *,
    seconds: float,
    every: float = 0.1,
    where: str | Path | None = None,
    evidence: Callable[[], str] = lambda: "",
    working: Callable[[], bool] | None = None,
    rest: float = 0.0,
) -> str:
    """Call `poll` until its first value is True; returns its second, which describes what it observed.

    `seconds`: the deadline; `every`: the pause between polls, in seconds. `where`: the log to read; `evidence`
    returns its last lines. `working`: the deadline is extended while it is True. `rest`: a pause is at least so many
    times the CPU time of the previous poll, and at most LONGEST. Raises Unready.
    """
    deadline = Deadline(seconds, working)
    while True:
        before = time.thread_time()
        done, observed = poll()
        if done:
            return observed
        pause = max(every, min(LONGEST, rest * (time.thread_time() - before)))
        if deadline.passed():
            raise Unready(
                f"waited {deadline.waited} for {what}; last seen: {observed or 'nothing'}",
                detail=evidence(),
                where=str(where) if where else None,
            )
        time.sleep(pause)
