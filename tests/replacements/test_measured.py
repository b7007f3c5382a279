"""bench/replacements.py: which entries are disabled in which processes, and the report of the results."""

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


def evaluate(expression: str) -> Any:
    """Evaluate an expression in the script's namespace, in a child process that imports its modules."""
    code = f"import json\nfrom replacements import *\nprint(json.dumps({expression}))"
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=BENCH, capture_output=True, text=True, check=True
    )
    return json.loads(result.stdout)


def run_script(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "replacements.py", *arguments],
        cwd=BENCH,
        capture_output=True,
        text=True,
        check=False,
    )


def write_runs(file: Path, number: int, **conditions: object) -> Path:
    """Write simulated runs with three entries: without the first Nova takes 10 % more CPU, without the second MariaDB
    does, and the third has no effect.

    The machine is up to two times slower in some runs than in others.
    """
    lines = []
    names = ["nova-validators", "host-allocations", "physical-network"]
    orders = [[], [0], [1], [0, 1], [2, 0], [2, 1], [2], [0, 1, 2]]
    for index, numbers in enumerate(orders[:number]):
        slow = 1 + (3 * index % 8) / 7
        affected = {"nova": 0.5 + 0.05 * (0 in numbers), "mariadb": 0.2 + 0.02 * (1 in numbers)}
        cpu = {
            name: slow * seconds for name, seconds in {**affected, "neutron": 0.2, "placement": 0.1}.items()
        }
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


def test_entries_that_creating_a_server_uses_are_measurable() -> None:
    names = evaluate("measurable()")
    assert "empty-tables" in names
    assert "idle-threads" not in names, "creating a server does not use Horizon"
    assert set(names) <= PERFORMANCE


def test_an_entry_is_disabled_only_in_the_processes_that_install_it() -> None:
    off = "['empty-tables', 'nova-validators', 'database-connections']"
    values = evaluate(f"{{name: tuned(name, {off}) for name in CREATING}}")
    assert values == {
        "keystone": "full -database-connections",
        "glance": "full -database-connections",
        "placement": "full -database-connections",
        "neutron": "full -empty-tables -database-connections",
        "nova": "full -database-connections -nova-validators",
    }


def test_only_processes_with_a_changed_setting_are_restarted() -> None:
    text = evaluate(
        '\'\'.join(f\'[program:{name}]\\nenvironment = A="1",{TUNING}="full",B="2"\\n\\n\''
        " for name in (*CREATING, 'cinder'))"
    )
    for off, expected in ({"nova-validators"}, ["nova"]), ({"empty-tables"}, ["neutron"]), ({}, []):
        changed, names = evaluate(f"configured({text!r}, {sorted(off)})")
        assert names == expected
        assert [f'A="1",ONESTACK_TUNING="full -{name}",B="2"' in changed for name in off] == [True] * len(off)
        assert changed.count('ONESTACK_TUNING="full",') == 6 - len(expected)
        assert evaluate(f"configured({changed!r}, [])") == [text, expected], "the settings are restored"


def test_report_of_recorded_runs(tmp_path: Path) -> None:
    result = run_script("--from", str(write_runs(tmp_path / "runs", 8)))
    assert result.returncode == 0, result.stderr
    *lines, summary = result.stdout.splitlines()
    rows = {line.split()[0]: line for line in lines if line}
    gains = json.loads(summary)["percent"]
    # 10 % of Nova's 50 % of the CPU, 10 % of MariaDB's 20 %, and 0: independent of the machine's speed.
    for name, percent in {"nova-validators": 5, "host-allocations": 2, "physical-network": 0}.items():
        assert gains[name]["cpu"][0] == pytest.approx(percent, abs=0.2)
        assert gains[name]["time"][0] == pytest.approx(0, abs=0.01)
    assert rows["nova-validators"].split(maxsplit=5)[5].startswith("more  nova +")
    assert "8 runs of 8, 3 degrees of freedom" in rows["precision:"]
    assert "runs with none: 1," in result.stdout


def test_too_few_or_unreadable_runs_are_reported_without_a_traceback(tmp_path: Path) -> None:
    for number in (0, 4):
        result = run_script("--from", str(write_runs(tmp_path / "runs", number)))
        assert (result.returncode, "Traceback" in result.stderr) == (2, False), result.stderr
        assert f"{number} runs; more than" in result.stderr
    result = run_script("--from", str(tmp_path / "other"))
    assert (result.returncode, "cannot be read" in result.stderr) == (2, True)


def test_runs_recorded_with_other_options_are_not_continued(tmp_path: Path) -> None:
    file = write_runs(tmp_path / "runs", 3, servers=24, seed=1)
    result = run_script(
        "--record", str(file), "--only", "nova-validators", "host-allocations", "physical-network"
    )
    assert (result.returncode, "other options" in result.stderr) == (2, True), result.stderr
    assert run_script("--only", "idle-threads").returncode == 2
