"""bench/screening.py: the effects in simulated runs are estimated correctly, also if the machine's speed changes."""

from __future__ import annotations

import importlib.util
import random
import statistics
import sys
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench"
NAMES = [f"entry-{number}" for number in range(27)]
EFFECTS = {name: 0.01 * (number % 5) for number, name in enumerate(NAMES)}
BASE = 0.9


def load() -> Any:
    spec = importlib.util.spec_from_file_location("screening", BENCH / "screening.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    # The `dataclass` decorator looks its module up in sys.modules.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


screening = load()


def simulate(
    number: int,
    names: list[str] = NAMES,
    *,
    noise: float = 0.0,
    drift: float = 0.0,
    seed: int = 1,
    **more: Any,
) -> list[Any]:
    """Simulated runs in the design's order.

    `noise`: standard deviation, CPU seconds. `drift`: CPU seconds that each run takes more than the previous one.
    `together`: CPU seconds of pairs of entries.
    """
    generator, together = random.Random(seed), more.get("together", {})
    runs = []
    for index, off in enumerate(islice(screening.design(names, 1), number)):
        cpu = BASE + drift * index + generator.gauss(0, noise)
        cpu += sum(EFFECTS[name] for name in off)
        cpu += sum(value for pair, value in together.items() if {*pair} <= {*off})
        runs.append(screening.Run(off, 0.0, 100.0 + 30 * index, 1.0, {"nova": cpu}, {}))
    return runs


def fit(runs: list[Any], names: list[str] = NAMES) -> Any:
    return screening.Model(runs, names).fit([run.cpu_seconds for run in runs])


def test_the_design_is_a_hadamard_matrix() -> None:
    rows = screening.hadamard(27)
    assert len(rows) == len(rows[0]) == 32
    assert all(sum(a * b for a, b in zip(x, y, strict=True)) == 0 for x in rows for y in rows if x is not y)
    assert [screening.size(factors) for factors in (1, 3, 4, 31, 32)] == [4, 8, 16, 64, 128]


def test_each_entry_and_each_pair_is_disabled_equally_often() -> None:
    runs = list(islice(screening.design(NAMES, 1), 64))
    assert all(sum(name in off for off in runs) == 32 for name in NAMES)
    assert all(sum({a, b} <= {*off} for off in runs) == 16 for a, b in pairwise(NAMES))
    assert {len(off) for off in runs} >= {0, len(NAMES)}
    half, folded = ({frozenset(off) for off in part} for part in (runs[:32], runs[32:]))
    assert folded == {frozenset(NAMES) - off for off in half}


def test_the_seed_determines_the_order_and_each_pass_has_another_order() -> None:
    first, second, other = (list(islice(screening.design(NAMES, seed), 128)) for seed in (1, 1, 2))
    assert first == second
    assert first != other
    assert first[:64] != first[64:]
    assert sorted(first[:64]) == sorted(first[64:]) == sorted(other[:64])


def test_effects_are_estimated_within_the_reported_error() -> None:
    noise = 0.02
    found = fit(simulate(64, noise=noise))
    deviations = [found.effects[name][0] - EFFECTS[name] for name in NAMES]
    errors = [found.effects[name][1] for name in NAMES]
    assert found.noise == pytest.approx(noise, rel=0.4)
    # The variance is 4 s²/N; the drift's term adds little to it.
    assert errors == pytest.approx([2 * found.noise / 64**0.5] * len(NAMES), rel=0.1)
    assert statistics.pstdev(deviations) == pytest.approx(statistics.mean(errors), rel=0.4)
    assert max(map(abs, deviations)) < 4 * max(errors)
    assert found.base == pytest.approx(BASE, abs=0.05)
    assert found.freedom == 64 - 27 - 2
    gain, error = found.percent("entry-4")
    assert (gain, error) == pytest.approx([100 * each / found.base for each in found.effects["entry-4"]])


def test_a_linear_drift_is_removed() -> None:
    found = fit(simulate(64, drift=0.005))
    assert {name: value for name, (value, _) in found.effects.items()} == pytest.approx(EFFECTS, abs=1e-9)
    assert found.noise == pytest.approx(0, abs=1e-9)
    assert found.base == pytest.approx(BASE + 0.005 * 63 / 2), "the mean of the first and the last run"
    assert found.predicted(NAMES) == pytest.approx(found.base + sum(EFFECTS.values()))


def test_each_session_has_its_own_base() -> None:
    runs = simulate(64, drift=0.001)
    later = [
        screening.Run(run.off, 9e5, 9e5 + run.began, 1.0, {"nova": 0.3 + run.cpu["nova"]}, {})
        for run in runs[20:]
    ]
    found = fit([*runs[:20], *later])
    assert {name: value for name, (value, _) in found.effects.items()} == pytest.approx(EFFECTS, abs=1e-9)
    assert found.freedom == 64 - 27 - 4


def test_an_incomplete_design_is_evaluated() -> None:
    found = fit(simulate(41, noise=0.005, drift=0.002))
    for name, (value, error) in found.effects.items():
        assert abs(value - EFFECTS[name]) < 4 * error
    assert max(error for _, error in found.effects.values()) > 2 * found.noise / 41**0.5
    with pytest.raises(screening.TooFew, match="29 runs; more than 29 are needed for 27 entries"):
        fit(simulate(29))


def test_an_interaction_of_two_entries_is_not_attributed_to_a_third() -> None:
    """In the folded design, half of the interaction counts as an effect of each of the two entries: it occurs in half
    of the runs in which one of them is disabled."""
    found = fit(simulate(64, together={("entry-3", "entry-8"): 0.1}))
    for name, (value, _) in found.effects.items():
        # The drift's term is slightly correlated with an interaction, since the order is random.
        assert value - EFFECTS[name] == pytest.approx(0.05 * (name in ("entry-3", "entry-8")), abs=0.006)


def test_runs_that_always_disable_two_entries_together_are_refused() -> None:
    runs = [run for run in simulate(64, NAMES[:3]) if ("entry-0" in run.off) == ("entry-1" in run.off)]
    with pytest.raises(screening.TooFew, match="left out together"):
        fit(runs, NAMES[:3])


def test_runs_are_stored_one_per_line(tmp_path: Path) -> None:
    file, runs = tmp_path / "runs.jsonl", simulate(3)
    for run in runs[:2]:
        screening.write(file, run)
    assert screening.read(file) == runs[:2]
    with file.open("a") as truncated:
        truncated.write('{"off": ["entry-')
    assert screening.read(file) == runs[:2]
    screening.write(file, runs[2])
    assert screening.read(file) == runs
    assert len(file.read_text().splitlines()) == 3
    assert list(tmp_path.iterdir()) == [file]
