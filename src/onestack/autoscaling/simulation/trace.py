"""Reads recorded loads, and computes the mean load of a period."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from pathlib import Path

from onestack.core.errors import BadInput, Place

# The maximum number of steps of a trace.
MOST = 20_000_000


@dataclass(frozen=True)
class Trace:
    """A load in requests a second, constant within each `step` seconds. `start`: seconds since 1970 (UTC)."""

    name: str
    step: float
    rates: Sequence[float]
    start: float = 0.0

    @property
    def seconds(self) -> float:
        return len(self.rates) * self.step

    def times(self, factor: float) -> Trace:
        """The same trace with every rate multiplied."""
        return Trace(self.name, self.step, [rate * factor for rate in self.rates], self.start)

    def between(self, first: float, last: float) -> Trace:
        """The part from `first` to `last` seconds after its start."""
        one, two = int(first // self.step), int(last // self.step)
        return Trace(self.name, self.step, self.rates[one:two], self.start + one * self.step)


class Load:
    """A trace as an autoscaler may read it: the mean over any period in the past."""

    def __init__(self, trace: Trace) -> None:
        self._step = trace.step
        self._rates = trace.rates
        self._sums = [0.0, *accumulate(rate * trace.step for rate in trace.rates)]

    def mean(self, first: float, last: float) -> float:
        """The mean requests a second from `first` to `last` seconds after the start."""
        first = max(first, 0.0)
        return (self._until(last) - self._until(first)) / (last - first) if last > first else 0.0

    def _until(self, second: float) -> float:
        whole = min(int(second // self._step), len(self._rates))
        left = second - whole * self._step
        return self._sums[whole] + (left * self._rates[whole] if whole < len(self._rates) else 0.0)


def read(file: Path) -> Trace:
    """Read a trace from CSV, also gzipped: a header, then a time and the number of requests since it in each line.

    Times are seconds or `2014-04-10 00:04:00` (UTC), evenly spaced except for gaps, which count as no requests.
    Raises BadInput with the line.
    """
    try:
        with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as text:
            rows = list(_rows(csv.reader(text), file))
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise BadInput(f"the trace cannot be read: {error}", where=str(file)) from error
    if len(rows) < 2:
        raise BadInput("a trace needs at least two lines after its heading", where=str(file))
    steps = sorted(later - earlier for (earlier, _), (later, _) in pairwise(rows))
    step = steps[(len(steps) - 1) // 2]
    if step <= 0:
        raise BadInput("the times of a trace must increase", where=str(file))
    start = rows[0][0]
    if (rows[-1][0] - start) / step > MOST:
        raise BadInput(f"a trace of more than {MOST:,} steps of {step:g} s", where=str(file))
    rates = [0.0] * (round((rows[-1][0] - start) / step) + 1)
    for second, requests in rows:
        rates[round((second - start) / step)] += requests / step
    return Trace(file.name.partition(".")[0], step, rates, start)


def _rows(lines: Iterable[list[str]], file: Path) -> Iterator[tuple[float, float]]:
    before = float("-inf")
    for number, line in enumerate(lines, 1):
        if number == 1 or not line:
            continue
        try:
            time, value = line
            second, requests = _seconds(time), float(value)
        except ValueError:
            second, requests = 0.0, -1.0
        if not 0 <= requests < float("inf") or second < before:
            hint = "a time, later than the one before, and a number of requests: 2014-04-10 00:04:00,94"
            raise BadInput(
                f"not a line of a trace: {','.join(line)[:80]}", where=Place(str(file), number), hint=hint
            )
        before = second
        yield second, requests


def _seconds(time: str) -> float:
    try:
        return float(time)
    except ValueError:
        return datetime.fromisoformat(time).replace(tzinfo=UTC).timestamp()
