"""bench/replacements.py: what is measured in which order, and what is made of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from onestack_runtime.replacements import registry

BENCH = Path(__file__).parents[2] / "bench"


def told(expression: str) -> Any:
    """What an expression in the script's own terms gives. (In a process of its own: its modules have short names.)"""
    code = (
        "import json, sys\nfrom dataclasses import asdict\nfrom itertools import islice\n"
        "from replacements import *\n"
        "def runs(*those):\n    return [Run(name, rate, cpu, {'nova': cpu}) for name, cpu, rate in those]\n"
        f"print(json.dumps({expression}))"
    )
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=BENCH, capture_output=True, text=True, check=True
    )
    return json.loads(said.stdout)


def test_each_entry_stands_beside_runs_with_all() -> None:
    order = told("list(islice(order(['a', 'b', 'c']), 12))")
    assert order[:6] == ["full", "a", "b", "full", "c", "none"]
    assert order[6:] == ["full", "none", "c", "full", "b", "a"]


def test_a_variant_is_compared_with_the_runs_around_it() -> None:
    runs = "('full', 1.0, 60), ('a', 1.65, 30), ('b', 1.5, 40), ('full', 2.0, 30), ('a', 2.0, 30)"
    drifting = f"runs({runs}), ['a', 'b', 'c']"
    found = {each["name"]: each for each in told(f"[asdict(each) for each in gains(({drifting})[0])]")}
    assert {name: each["runs"] for name, each in found.items()} == {"a": 2, "b": 1}
    assert found["a"]["cpu"] == pytest.approx((1.1 + 1.0) / 2)
    assert found["b"]["cpu"] == pytest.approx(1.0)
    assert found["a"]["rate"] == pytest.approx((1.5 + 1.0) / 2)
    assert "not measured, for lack of time: c, none" in told(f"table(*({drifting}))")


def test_an_entry_is_left_out_by_the_name_that_the_processes_know() -> None:
    names, values = told("[measurable(), [tuned(each) for each in (*measurable(), FULL, NONE)]]")
    assert "empty-tables" in names
    assert "idle-threads" not in names, "no server passes by Horizon"
    assert set(names) <= {each.name for each in registry.ALL if each.kind == "performance"}
    assert values == [*(f"full -{name}" for name in names), "full", "none"]


def test_only_the_processes_concerned_are_started_anew() -> None:
    text = "".join(
        f'[program:{name}]\\nenvironment = A="1",ONESTACK_TUNING="full",B="2"\\n'
        for name in ("nova", "cinder")
    )
    values = told(
        f"[configured('{text}', each).split('ONESTACK_TUNING=') for each in ('nova-validators', 'none', 'full')]"
    )
    assert [[each.partition(",")[0] for each in parts[1:]] for parts in values] == [
        ['"full -nova-validators"', '"full"'],
        ['"none"', '"full"'],
        ['"full"', '"full"'],
    ]
    assert told("sorted(concerned('empty-tables'))") == ["neutron"]
