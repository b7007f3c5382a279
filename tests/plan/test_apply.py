"""What apply does when things go wrong: only what needs a failure is left, what passes is tried again."""

from __future__ import annotations

import _thread
import json
from typing import Any

import pytest
from model_cloud import ModelCloud

from onestack import spec
from onestack.cli import plan_view
from onestack.core.errors import PermanentError, TemporaryError
from onestack.core.events import Event
from onestack.spec import BadSpec, Spec
from onestack.workloads import apply
from onestack.workloads.apply.provider import Ids
from onestack.workloads.plan import Plan, Wanted, make
from onestack.workloads.plan.document import as_data
from onestack.workloads.wanted import wanted

TWO = """\
name: two
tenants:
  - name: red
    networks: [{name: net, subnets: [{cidr: 10.1.0.0/24}]}]
    servers: [{name: s, image: tiny, flavor: m1.nano, networks: [{network: net}]}]
  - name: blue
    networks: [{name: net, subnets: [{cidr: 10.1.0.0/24}]}]
"""
SPEC = spec.loads(TWO, "two.yaml")


class Troubled(ModelCloud):
    """A cloud where making one thing fails, so many times."""

    def __init__(self, trouble: str, error: Exception, times: int = 1000) -> None:
        super().__init__("two")
        self.trouble, self.error, self.times = trouble, error, times

    def create(self, wanted: Wanted, ids: Ids) -> str:
        if str(wanted.address) == self.trouble and self.times:
            self.times -= 1
            raise self.error
        return super().create(wanted, ids)


def plan(cloud: ModelCloud, of: Spec = SPEC, **options: Any) -> Plan:
    return make(wanted(of), cloud.observe(()), cloud.kinds, owner=of.name, **options)


def test_a_failure_leaves_only_what_needs_it() -> None:
    cloud = Troubled("subnet red/net/net", PermanentError("no more subnets", where="network, request req-1"))
    outcome = apply.run(plan(cloud), cloud)
    assert [str(one.address) for one in outcome.failures] == ["subnet red/net/net"]
    assert sorted(outcome.undone) == ["make port red/s.net", "make server red/s"]
    there = {str(address) for address in cloud.there}
    assert {"tenant red", "network red/net", "subnet blue/net/net"} <= there
    assert outcome.failures[0].place is not None
    assert outcome.failures[0].place.line == 4
    text = "\n".join(plan_view.outcome_lines(outcome))
    assert "two.yaml:4" in text
    assert "no more subnets" in text
    assert "req-1" in text
    assert "2 more were not tried" in text


def test_the_next_apply_goes_on() -> None:
    cloud = Troubled("network red/net", PermanentError("once"), times=1)
    assert not apply.run(plan(cloud), cloud).ok
    again = plan(cloud)
    assert "tenant red" not in {str(one.address) for one in again.changes}
    assert apply.run(again, cloud).ok
    assert plan(cloud).empty


def test_what_passes_is_tried_again_and_told() -> None:
    cloud = Troubled("network red/net", TemporaryError("busy", delay=0.01), times=3)
    said: list[Event] = []
    assert apply.run(plan(cloud), cloud, said.append).ok
    assert [one.message for one in said if one.state == "progressed"] == [
        f"again in 0 s (attempt {number}): busy" for number in (2, 3, 4)
    ]


def test_what_was_made_though_its_answer_was_lost_is_not_made_twice() -> None:
    class Lossy(ModelCloud):
        lost = 2

        def create(self, wanted: Wanted, ids: Ids) -> str:
            ident = super().create(wanted, ids)
            if wanted.address.kind == "network" and self.lost:
                self.lost -= 1
                raise TemporaryError("the connection broke", delay=0.01, unsure=True)
            return ident

    cloud = Lossy("two")
    outcome = apply.run(plan(cloud), cloud)
    assert outcome.ok, outcome.as_dict()
    assert not cloud.lost
    assert plan(cloud).empty


def test_what_was_not_made_when_its_answer_was_lost_is_made() -> None:
    cloud = Troubled("network red/net", TemporaryError("broke", delay=0.01, unsure=True), times=2)
    assert apply.run(plan(cloud), cloud).ok
    assert plan(cloud).empty


def test_ctrl_c_lets_what_runs_finish_and_starts_nothing_new() -> None:
    class Interrupted(ModelCloud):
        def create(self, wanted: Wanted, ids: Ids) -> str:
            if str(wanted.address) == "tenant red":
                _thread.interrupt_main()
            return super().create(wanted, ids)

    cloud = Interrupted("two")
    with pytest.raises(KeyboardInterrupt):
        apply.run(plan(cloud), cloud)
    there = {str(address) for address in cloud.there}
    assert "tenant red" in there
    assert "server red/s" not in there


def test_what_others_made_is_not_touched_unless_adopted() -> None:
    cloud = ModelCloud("somebody")
    apply.run(make(wanted(SPEC), cloud.observe(()), cloud.kinds, owner="somebody"), cloud)
    with pytest.raises(BadSpec) as raised:
        plan(cloud)
    assert "tenant red belongs to the spec 'somebody'" in raised.value.detail
    assert "two.yaml:3" in raised.value.detail
    hand_made = ModelCloud("two")
    for one in cloud.there.values():
        hand_made.there[one.address] = type(one)(one.address, one.id, one.fields, None, one.needs)
    with pytest.raises(BadSpec) as raised:
        plan(hand_made)
    assert "--adopt" in raised.value.detail
    adopted = plan(hand_made, adopt=True)
    assert {one.action for one in adopted.changes} == {"update"}
    assert apply.run(adopted, hand_made).ok
    assert plan(hand_made).empty


def test_a_plan_reads_as_words_and_as_json() -> None:
    cloud = ModelCloud("two")
    apply.run(plan(cloud), cloud)
    other = spec.loads(
        TWO.replace("m1.nano", "m1.small").replace("10.1.0.0/24}]}]\n    s", "10.9.0.0/24}]}]\n    s"), "x"
    )
    found = plan(cloud, other)
    text = "\n".join(plan_view.plan_lines(found))
    assert "flavor: m1.nano" in text
    assert "subnet red/net/net" in text
    assert "will be replaced (cidr cannot be changed)" in text
    data = json.loads(json.dumps(as_data(found)))
    assert data["version"] == 1
    assert data["summary"]["add"] == sum(one["action"] == "replace" for one in data["changes"])
    drift = "\n".join(plan_view.drift_lines(found))
    assert "was changed" in drift
    nothing = plan(cloud)
    assert "No changes." in plan_view.plan_lines(nothing)[-1]
    assert "No drift." in plan_view.drift_lines(nothing)[-1]


def test_what_replaces_something_takes_what_lives_in_it_along() -> None:
    cloud = ModelCloud("two")
    apply.run(plan(cloud), cloud)
    other = spec.loads(TWO.replace("cidr: 10.1.0.0/24", "cidr: 10.9.0.0/24"), "x")
    found = plan(cloud, other)
    actions = {str(one.address): one.action for one in found.changes}
    assert actions["subnet red/net/net"] == "replace"
    assert apply.run(found, cloud).ok
    assert plan(cloud, other).empty
