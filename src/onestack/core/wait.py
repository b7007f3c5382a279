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

REST = 25.0
"""How many times longer than it works a wait among many pauses: a dozen at once must not take a slow machine's
processors from what they wait for. On a fast one the pauses asked for are longer than that anyway."""
LONGEST = 5.0
"""Seconds of the longest such pause."""


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
        """Whether it is over. Asks `working` at most once in PERIOD, less often where that costs much."""
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
        """How long it was waited, in words."""
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
    """Call `poll` until its first value is True; its second describes what it observed, and is returned.

    `seconds`: the deadline; `every`: the pause between polls, in seconds. `where` names the log to read, `evidence`
    gives its last lines. With `working`, the deadline is put off while that is True. With `rest`, a pause is at least
    so many times the processor time of the previous poll, and LONGEST at the most. Raises Unready.
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
