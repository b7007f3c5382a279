"""`scale simulate`: a group of a spec through a recorded load, as the command shows it."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from onestack import spec
from onestack.autoscaling.simulation.replay import replay
from onestack.autoscaling.simulation.trace import Trace
from onestack.cli.all import main  # noqa: F401 - adds the commands
from onestack.cli.main import cli
from onestack.core.errors import BadInput

ROOT = Path(__file__).parents[2]
SHOP = spec.load(ROOT / "examples/visitors.yaml")


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """A quiet hour, and one with six times the load, twice."""
    file = tmp_path / "load.csv"
    rates = ([100] * 60 + [600] * 60) * 2
    rows = [f"{minute * 60},{rate * 60}" for minute, rate in enumerate(rates)]
    file.write_text("\n".join(["second,requests", *rows]) + "\n")
    return file


def simulate(*words: str) -> tuple[int, str]:
    found = CliRunner().invoke(cli, ["scale", "simulate", str(ROOT / "examples/visitors.yaml"), *words])
    return found.exit_code, found.output


def test_the_command_scores_and_draws(trace: Path, tmp_path: Path) -> None:
    picture = tmp_path / "load.svg"
    status, said = simulate(
        "--trace", str(trace), "--json", "--picture", str(picture), "--starts", "40", "40"
    )
    found = json.loads(said)
    assert (status, found["version"], found["trace"]) == (0, 1, "load")
    # Two rises, each lacking for 40 s of starting, 20 s of warming up, 5 or 10 s until it was seen.
    assert 2 * 60 / 14400 * 100 <= found["group"]["tau_u"] <= 2 * 75 / 14400 * 100
    assert found["group"]["eta"] > 1 == found["fixed"]["eta"]
    assert found["changes"] >= 4
    texts = [each.text for each in ET.parse(picture).iter("{http://www.w3.org/2000/svg}text")]
    assert "Scaling group web" in texts


def test_the_command_says_it_to_people(trace: Path) -> None:
    status, said = simulate("--trace", str(trace), "--times", "0.5")
    assert status == 0
    assert "changes of size in 0.2 days" in said
    assert "fixed" in said


def test_what_a_load_tells_nothing_of_is_left_out() -> None:
    text = (ROOT / "examples/visitors.yaml").read_text()
    queue = "        policies:\n          - {type: step, metric: queue, steps: [{above: 5, add: 1}]}\n"
    found = replay(spec.loads(text.replace("        policies:\n", queue)), Trace("t", 60, [100.0] * 60))
    assert found.left_out == ("step queue",)
    assert found.as_dict()["left_out"] == ["step queue"]


def test_a_group_by_cpu_needs_to_know_what_a_member_serves() -> None:
    text = (ROOT / "examples/visitors.yaml").read_text()
    start = text.index("        policies:")
    by_cpu = text[:start] + "        policies: [{type: target, metric: cpu, target: 60%}]\n"
    trace = Trace("t", 60, [100.0] * 30 + [500.0] * 60)
    with pytest.raises(BadInput, match="how many requests a second"):
        replay(spec.loads(by_cpu), trace)
    found = replay(spec.loads(by_cpu), trace, serves=60)
    assert found.ours.supply[-1] == 14  # 500 / 60 / 60 %


def test_which_group_must_be_clear() -> None:
    with pytest.raises(BadInput, match="there is no 'wep'") as caught:
        replay(SHOP, Trace("t", 60, [1.0, 1.0]), name="wep")
    assert caught.value.hint == "one of web"
    with pytest.raises(BadInput, match="which scaling group"):
        replay(spec.default(), Trace("t", 60, [1.0, 1.0]))
