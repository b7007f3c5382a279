"""A screening experiment: what each of many factors costs, from runs that each leave out about half of them.

Which are left out in a run is a row of a Hadamard matrix (a Plackett-Burman design, by Sylvester's construction), and
then once more with all signs changed (the fold-over). So every run says something of every factor, an effect is the
difference of the means of two halves of all runs (variance 4 s²/N, s being the standard deviation of one run), and no
effect is mixed with what two factors do to each other. The runs come in random order, half after half.

An effect is what a factor does where the others are there in half of the runs; one left out alone may do a little
less or more. Least squares are used rather than differences of means: they take out that the machine gets slower or
faster (a line in time for each session), and work for a design that was cut short, too. Nothing here measures.
"""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SLOPING = 8
"""The number of runs from which a session gets a line in time: one of fewer is short, and each column costs a run."""


class TooFew(ValueError):
    """The runs do not tell the factors apart."""


@dataclass(frozen=True)
class Run:
    """One run: what was left out, seconds and CPU seconds (by process) for each server.

    `session`, `began`: Unix times at which the measuring and this run began. `conditions`: what must be the same for
    runs that are looked at together.
    """

    off: tuple[str, ...]
    session: float
    began: float
    seconds: float
    cpu: Mapping[str, float]
    conditions: Mapping[str, object]

    @property
    def cpu_seconds(self) -> float:
        return sum(self.cpu.values())


@dataclass(frozen=True)
class Fit:
    """`base`: with all factors. `effects`: what leaving one out adds, and the standard error of that.

    `noise`: standard deviation of one run around what the effects predict. `freedom`: its degrees of freedom.
    """

    base: float
    effects: Mapping[str, tuple[float, float]]
    noise: float
    freedom: int

    def predicted(self, off: Collection[str]) -> float:
        """What it is without the factors `off`."""
        return self.base + sum(self.effects[name][0] for name in off)

    def percent(self, name: str) -> tuple[float, float]:
        """An effect and its standard error in percent of what it is with all factors."""
        effect, error = self.effects[name]
        return 100 * effect / self.base, 100 * error / self.base


def hadamard(factors: int) -> list[list[int]]:
    """Sylvester's matrix for so many factors beside its first column: the next power of two above the number."""
    rows = [[1]]
    while len(rows) <= factors:
        rows = [[*row, *row] for row in rows] + [[*row, *(-each for each in row)] for row in rows]
    return rows


def size(factors: int) -> int:
    """The number of runs of a whole design, the fold-over included."""
    return 2 * len(hadamard(factors))


def design(names: Sequence[str], seed: int) -> Iterator[tuple[str, ...]]:
    """What each run leaves out, in the names' order, for ever: each time the whole design, in another order."""
    half = [
        {name for name, sign in zip(names, row[1:], strict=False) if sign < 0} for row in hadamard(len(names))
    ]
    folded = [set(names) - off for off in half]
    chance = random.Random(seed)
    while True:
        for part in (half, folded):
            for off in chance.sample(part, len(part)):
                yield tuple(name for name in names if name in off)


def read(file: Path) -> list[Run]:
    """Recorded runs. A last line that was cut off is passed over."""
    runs = []
    lines = file.read_text().splitlines()
    for number, line in enumerate(lines, 1):
        try:
            told = json.loads(line)
        except ValueError:
            if number == len(lines):
                break
            raise
        runs.append(Run(**{**told, "off": tuple(told["off"])}))
    return runs


def write(file: Path, run: Run) -> None:
    """Add a run to those recorded."""
    text = file.read_text() if file.exists() else ""
    # What a killed one left of its last line is no run.
    whole = text[: text.rfind("\n") + 1]
    partial = file.with_name(f"{file.name}.partial")
    partial.write_text(whole + json.dumps(asdict(run)) + "\n")
    partial.rename(file)


class Model:
    """The least squares for some runs, to be fitted to one thing after another that was measured in them.

    Raises TooFew where they do not tell the factors apart.
    """

    def __init__(self, runs: Sequence[Run], names: Sequence[str]) -> None:
        self._names = names
        time_terms = _time(runs)
        self._levels = len({run.session for run in runs})
        self._rows = [
            [*terms, *(float(name in run.off) for name in names)]
            for run, terms in zip(runs, time_terms, strict=True)
        ]
        columns = len(self._rows[0]) if runs else len(names) + 2
        if len(runs) <= columns:
            raise TooFew(f"{len(runs)} runs; more than {columns} are needed for {len(names)} entries")
        self._inverse = inverse(
            [[sum(row[i] * row[j] for row in self._rows) for j in range(columns)] for i in range(columns)]
        )

    def fit(self, values: Sequence[float]) -> Fit:
        """`values`: what was measured in the runs, in their order."""
        columns = range(len(self._inverse))
        sums = [sum(row[i] * value for row, value in zip(self._rows, values, strict=True)) for i in columns]
        found = [sum(self._inverse[i][j] * sums[j] for j in columns) for i in columns]
        rest = [
            value - sum(row[i] * found[i] for i in columns)
            for row, value in zip(self._rows, values, strict=True)
        ]
        freedom = len(self._rows) - len(columns)
        noise = (sum(each**2 for each in rest) / freedom) ** 0.5
        first = len(columns) - len(self._names)
        effects = {
            name: (found[i], noise * self._inverse[i][i] ** 0.5) for i, name in enumerate(self._names, first)
        }
        # The level of each session is that of its middle.
        weights = [sum(row[i] for row in self._rows) for i in range(self._levels)]
        base = sum(weight * level for weight, level in zip(weights, found, strict=False)) / sum(weights)
        return Fit(base, effects, noise, freedom)


def _time(runs: Sequence[Run]) -> list[list[float]]:
    """The columns before the factors': a level for each session, and for each that has enough runs a line in time,
    from about -1 to 1."""
    sessions: dict[float, list[float]] = {}
    for run in runs:
        sessions.setdefault(run.session, []).append(run.began)
    sloping = [each for each, began in sessions.items() if len(began) >= SLOPING]

    def along(run: Run, session: float) -> float:
        if run.session != session:
            return 0.0
        began = sessions[session]
        return (run.began - sum(began) / len(began)) / ((max(began) - min(began)) / 2)

    return [
        [*(float(run.session == each) for each in sessions), *(along(run, each) for each in sloping)]
        for run in runs
    ]


def inverse(matrix: Sequence[Sequence[float]]) -> list[list[float]]:
    """By Gauss and Jordan, with pivots. Raises TooFew where there is none."""
    size = len(matrix)
    work = [[*row, *(float(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda i: abs(work[i][column]))
        if abs(work[pivot][column]) < 1e-9:
            raise TooFew("the runs do not tell the entries apart: some were always left out together")
        work[column], work[pivot] = work[pivot], work[column]
        work[column] = [each / work[column][column] for each in work[column]]
        for i in range(size):
            if i != column and work[i][column]:
                factor = work[i][column]
                work[i] = [a - factor * b for a, b in zip(work[i], work[column], strict=True)]
    return [row[size:] for row in work]
