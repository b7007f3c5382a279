"""A seasonal forecast of a load from its own history, which also estimates its own error.

For each five minutes of the day it learns the usual load, with more weight on recent days; the last hour gives
today's level relative to that. So a quiet Sunday is followed within an hour, and a morning's rise is forecast. There
is no forecast on the first day, nor while the error of the last day was so large that yesterday's load would have
been a better guess.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

BIN = 300.0  # seconds; the resolution of history
DAY = int(86400 / BIN)
# Weight of the newest day. With a third, about the last five days matter.
NEWEST = 1 / 3
# Today's level is computed from this many bins (an hour), with less weight on older ones.
LEVEL_MEMORY = 0.85
# Today's level is limited to this many times the usual load, and to its inverse.
LEVEL_LIMIT = 2.0
# A forecast is not used if its error (mean absolute error over mean load, of the last day) is larger than this.
USELESS = 0.5


@dataclass(frozen=True, slots=True)
class Forecast:
    """`load`: the highest expected within the horizon. `error`: mean absolute error over mean load, last day."""

    load: float
    error: float


class History:
    """The load of one metric of one group, in bins of five minutes of the day.

    `observe` adds values. It stores one number for each bin of a day, and the errors of a day: 600 numbers.
    """

    def __init__(self) -> None:
        self._profile: list[float | None] = [None] * DAY
        self._bin: int | None = None
        self._sum, self._count = 0.0, 0
        self._level_actual, self._level_usual = 0.0, 0.0
        self._expected: deque[tuple[int, float]] = deque()
        self._errors: deque[tuple[float, float]] = deque(maxlen=DAY)
        self._made: dict[float, Forecast | None] = {}

    def observe(self, wall: float, load: float) -> None:
        """Add a value. Steps of the clock are harmless: a time in the past counts as the same time today."""
        current = int(wall // BIN)
        if current != self._bin:
            if self._bin is not None and self._count:
                self._close(self._bin, self._sum / self._count)
            self._bin, self._sum, self._count = current, 0.0, 0
            self._made.clear()
        self._sum += load
        self._count += 1

    def _close(self, number: int, load: float) -> None:
        """Learn from a bin that has ended."""
        while self._expected and self._expected[0][0] <= number:
            at, expected = self._expected.popleft()
            if at == number:
                self._errors.append((abs(load - expected), load))
        slot = number % DAY
        usual = self._profile[slot]
        if usual is None:
            self._profile[slot] = load
        else:
            self._level_actual = LEVEL_MEMORY * self._level_actual + load
            self._level_usual = LEVEL_MEMORY * self._level_usual + usual
            self._profile[slot] = usual + NEWEST * (load - usual)
        # For two bins ahead, as a forecast with a horizon of ten minutes does.
        if (ahead := self._expectation(number + 2)) is not None and len(self._expected) < DAY:
            self._expected.append((number + 2, ahead))

    def _level(self) -> float:
        if self._level_usual <= 0:
            return 1.0
        return min(max(self._level_actual / self._level_usual, 1 / LEVEL_LIMIT), LEVEL_LIMIT)

    def _expectation(self, number: int) -> float | None:
        """The expected load in a bin: the usual load of it and its neighbours, at today's level."""
        around = [self._profile[(number + offset) % DAY] for offset in (-1, 0, 1)]
        known = [value for value in around if value is not None]
        if len(known) < len(around):
            return None
        return self._level() * sum(known) / len(known)

    @property
    def error(self) -> float:
        """Mean absolute error over mean load of the last day's forecasts; infinite if there were none."""
        total = sum(load for _, load in self._errors)
        if not total:
            return math.inf
        return sum(wrong for wrong, _ in self._errors) / total

    def forecast(self, horizon: float) -> Forecast | None:
        """The highest load expected within `horizon` seconds; None without a useful forecast."""
        if horizon not in self._made:
            self._made[horizon] = self._make(horizon)
        return self._made[horizon]

    def _make(self, horizon: float) -> Forecast | None:
        error = self.error
        if self._bin is None or error > USELESS:
            return None
        expected = [self._expectation(self._bin + ahead) for ahead in range(math.ceil(horizon / BIN) + 1)]
        known = [value for value in expected if value is not None]
        return Forecast(max(known), error) if known else None
