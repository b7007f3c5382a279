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
    """Made-up runs of three entries: one costs Nova a tenth, one MariaDB a hundredth, one nothing."""
    lines = []
    names = ["nova-validators", "port-checks", "physical-network"]
    orders = [[], [0], [1], [0, 1], [2, 0], [2, 1], [2], [0, 1, 2]]
    for index, numbers in enumerate(orders[:number]):
        cpu = {"nova": 0.5 + 0.1 * (0 in numbers), "mariadb": 0.5 + 0.01 * (1 in numbers)}
        run = {
            "off": [names[each] for each in numbers],
            "session": 0.0,
            "began": 30.0 * index,
            "seconds": 0.5 + 0.001 * (index % 3),
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
    off = "['empty-tables', 'nova-validators', 'no-thread-yield']"
    values = told(f"{{name: tuned(name, {off}) for name in CREATING}}")
    assert values == {
        "keystone": "full -no-thread-yield",
        "glance": "full -no-thread-yield",
        "placement": "full -no-thread-yield",
        "neutron": "full -empty-tables -no-thread-yield",
        "nova": "full -no-thread-yield -nova-validators",
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
    assert rows["nova-validators"].split()[1] == "10.00"
    assert rows["nova-validators"].endswith("more  nova +10.0")
    assert rows["port-checks"].endswith("mariadb +1.0")
    assert "8 runs of 8, 3 degrees of freedom" in rows["precision:"]
    assert "runs with none: 1, 1.110 CPU s a server; by the fit 1.110" in done.stdout
    assert json.loads(said)["percent"]["nova-validators"]["cpu"][0] == pytest.approx(10)


def test_too_few_recorded_runs_are_no_traceback(tmp_path: Path) -> None:
    for number in (0, 4):
        done = script("--from", str(record(tmp_path / "runs", number)))
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
        assert f"{number} runs; more than" in done.stderr
    done = script("--from", str(tmp_path / "other"))
    assert (done.returncode, "cannot be read" in done.stderr) == (2, True)


def test_runs_made_otherwise_are_not_gone_on_with(tmp_path: Path) -> None:
    file = record(tmp_path / "runs", 3, servers=24, seed=1)
    done = script("--record", str(file), "--only", "nova-validators", "port-checks", "physical-network")
    assert (done.returncode, "other options" in done.stderr) == (2, True), done.stderr
    assert script("--only", "idle-threads").returncode == 2
