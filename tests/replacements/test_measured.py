"""bench/replacements.py: which entries are left out in which processes, and what is said of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from onestack_runtime.replacements import registry

BENCH = Path(__file__).parents[2] / "bench"
PERFORMANCE = {each.name for each in registry.ALL if each.kind == "performance"}


def told(expression: str) -> Any:
    """What an expression in the script's own terms gives. (In a process of its own: its modules have short names.)"""
    code = f"import json\nfrom replacements import *\nprint(json.dumps({expression}))"
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=BENCH, capture_output=True, text=True, check=True
    )
    return json.loads(said.stdout)


def script(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "replacements.py", *words],
        cwd=BENCH,
        capture_output=True,
        text=True,
        check=False,
    )


def record(file: Path, number: int, **conditions: object) -> Path:
    """Made-up runs of three entries: one costs Nova a tenth, one MariaDB a tenth, one nothing.

    The machine takes up to twice as long for the same in some runs as in others.
    """
    lines = []
    names = ["nova-validators", "host-allocations", "physical-network"]
    orders = [[], [0], [1], [0, 1], [2, 0], [2, 1], [2], [0, 1, 2]]
    for index, numbers in enumerate(orders[:number]):
        slow = 1 + (3 * index % 8) / 7
        own = {"nova": 0.5 + 0.05 * (0 in numbers), "mariadb": 0.2 + 0.02 * (1 in numbers)}
        cpu = {name: slow * seconds for name, seconds in {**own, "neutron": 0.2, "placement": 0.1}.items()}
        run = {
            "off": [names[each] for each in numbers],
            "session": 0.0,
            "began": 30.0 * index,
            "seconds": 0.5 * slow,
            "cpu": cpu,
            "conditions": {"names": names, **conditions},
        }
        lines.append(json.dumps(run) + "\n")
    file.write_text("".join(lines))
    return file


def test_what_is_measured_are_entries_that_servers_pass_by() -> None:
    names, needs = told("[measurable(), NEEDS]")
    assert "empty-tables" in names
    assert "idle-threads" not in names, "no server passes by Horizon"
    assert set(names) <= PERFORMANCE
    assert {*needs, *needs.values()} <= set(names), "an entry is gone: take it out of NEEDS"


def test_an_entry_is_left_out_by_the_name_that_the_processes_know() -> None:
    off = "['empty-tables', 'nova-validators', 'database-connections']"
    values = told(f"{{name: tuned(name, {off}) for name in CREATING}}")
    assert values == {
        "keystone": "full -database-connections",
        "glance": "full -database-connections",
        "placement": "full -database-connections",
        "neutron": "full -empty-tables -database-connections",
        "nova": "full -database-connections -nova-validators",
    }


def test_only_the_processes_concerned_are_restarted() -> None:
    text = told(
        '\'\'.join(f\'[program:{name}]\\nenvironment = A="1",{TUNING}="full",B="2"\\n\\n\''
        " for name in (*CREATING, 'cinder'))"
    )
    for off, expected in ({"nova-validators"}, ["nova"]), ({"empty-tables"}, ["neutron"]), ({}, []):
        changed, names = told(f"configured({text!r}, {sorted(off)})")
        assert names == expected
        assert [f'A="1",ONESTACK_TUNING="full -{name}",B="2"' in changed for name in off] == [True] * len(off)
        assert changed.count('ONESTACK_TUNING="full",') == 6 - len(expected)
        assert told(f"configured({changed!r}, [])") == [text, expected], "and back"


def test_the_table_of_recorded_runs(tmp_path: Path) -> None:
    done = script("--from", str(record(tmp_path / "runs", 8)))
    assert done.returncode == 0, done.stderr
    *lines, said = done.stdout.splitlines()
    rows = {line.split()[0]: line for line in lines if line}
    gains = json.loads(said)["percent"]
    # A tenth of Nova's half of the CPU, a tenth of MariaDB's fifth, and nothing: however slow the machine was.
    for name, percent in {"nova-validators": 5, "host-allocations": 2, "physical-network": 0}.items():
        assert gains[name]["cpu"][0] == pytest.approx(percent, abs=0.2)
        assert gains[name]["time"][0] == pytest.approx(0, abs=0.01)
    assert rows["nova-validators"].split(maxsplit=5)[5].startswith("more  nova +")
    assert "8 runs of 8, 3 degrees of freedom" in rows["precision:"]
    assert "runs with none: 1," in done.stdout


def test_too_few_recorded_runs_are_no_traceback(tmp_path: Path) -> None:
    for number in (0, 4):
        done = script("--from", str(record(tmp_path / "runs", number)))
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
        assert f"{number} runs; more than" in done.stderr
    done = script("--from", str(tmp_path / "other"))
    assert (done.returncode, "cannot be read" in done.stderr) == (2, True)


def test_runs_made_otherwise_are_not_gone_on_with(tmp_path: Path) -> None:
    file = record(tmp_path / "runs", 3, servers=24, seed=1)
    done = script("--record", str(file), "--only", "nova-validators", "host-allocations", "physical-network")
    assert (done.returncode, "other options" in done.stderr) == (2, True), done.stderr
    assert script("--only", "idle-threads").returncode == 2
