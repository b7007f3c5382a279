"""A scaling policy is one module: one of the tests' own is in the spec, its reference, and in decisions."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from onestack import spec
from onestack.autoscaling import policies
from onestack.autoscaling.decision import Memory, step
from onestack.autoscaling.decision.from_spec import group
from onestack.autoscaling.observation import GroupObservation
from onestack.autoscaling.policy import GROUP
from onestack.autoscaling.simulation.replay import replay
from onestack.autoscaling.simulation.trace import Trace
from onestack.core.errors import BadInput
from onestack.spec import json_schema

MODULE = f"{policies.__name__}.floor"
WITH = GROUP + "        policies:\n          - {type: floor, members: 5}\n"


@pytest.fixture(autouse=True)
def floor(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder with the module is one more place where policies are found."""
    folder = str(Path(__file__).parent / "more_policies")
    monkeypatch.setattr(policies, "__path__", [*policies.__path__, folder])
    json_schema._made.cache_clear()
    yield
    sys.modules.pop(MODULE, None)
    policies._types.cache_clear()
    json_schema._made.cache_clear()


def refused(text: str) -> str:
    with pytest.raises(BadInput) as caught:
        spec.loads(text, "cloud.yaml")
    return caught.value.detail


def test_the_spec_takes_it_and_writes_it_again() -> None:
    once = spec.loads(WITH)
    assert once.tenants[0].scaling_groups[0].policies[0].model_dump() == {"type": "floor", "members": 5}
    assert spec.loads(once.model_dump_json(exclude_unset=True)).tenants == once.tenants


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ("{type: floor}", "a floor policy without 'members'"),
        ("{type: floor, members: 0}", "'members' is too small: 0"),
        ("{type: floor, members: 21}", "a floor above the group's max"),
        ("{type: floor, members: 5, memberz: 5}", "did you mean 'members'?"),
        ("{type: floor, members: 5, cron: 0 8 * * *}", "'cron' is for schedule policies"),
        ("{type: target, metric: cpu, target: 60%, members: 5}", "'members' is for floor policies"),
        ("{type: flor, members: 5}", "did you mean floor?"),
    ],
)
def test_what_is_wrong_in_it_has_its_line(policy: str, says: str) -> None:
    said = refused(GROUP + f"        policies:\n          - {policy}\n")
    assert said.startswith("cloud.yaml:11:"), said
    assert says in said


def test_all_that_is_wrong_with_its_values_is_said_at_once() -> None:
    said = refused(WITH.replace("members: 5", "members: many") + "          - {type: floor, members: -1}\n")
    assert "cloud.yaml:11:" in said
    assert "cloud.yaml:12:" in said


def test_the_schema_and_the_reference_describe_it() -> None:
    listed = spec.schema()["$defs"]["ScalingGroup"]["properties"]["policies"]["items"]["oneOf"]
    floor = next(each for each in listed if each["properties"]["type"]["const"] == "floor")
    assert len(listed) == 5
    assert (floor["required"], floor["additionalProperties"]) == (["type", "members"], False)
    assert floor["properties"]["members"]["minimum"] == 1
    text = spec.reference()
    assert (
        "[`floor`](#tenantsscaling_groupspoliciestypefloor) | Keep some members whatever the load. |" in text
    )
    assert "## tenants[].scaling_groups[].policies[type=floor]" in text
    row = "| `members` | a whole number from 1 | **required** | The members that are there at any time. |"
    assert row in text


def test_it_decides_and_says_why() -> None:
    decided_on = group(spec.loads(WITH).tenants[0].scaling_groups[0])
    made = step(decided_on, Memory(), GroupObservation(0, 0, serving=3))
    assert made is not None
    assert (made.action, made.to) == ("out", 5)
    assert str(made) == "3 -> 5; floor 5: at least 5 (the floor holds)"
    assert made.as_dict()["recommendations"][0]["why"] == "the floor holds"


def test_a_recorded_load_is_replayed_with_it() -> None:
    found = replay(spec.loads(WITH), Trace("t", 60, [1.0] * 60), serves=50, starts=(5, 5))
    assert found.left_out == ()
    assert set(found.ours.supply[60:]) == {5}, "one would do for the load"


def test_without_its_folder_nobody_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "__path__", policies.__path__[:1])
    assert list(policies.types()) == ["predictive", "schedule", "step", "target"]
    assert "one of predictive, schedule, step, target" in refused(WITH)
