"""One autoscaler acts at a time, however many run, and no clock of theirs is compared with another's."""

from __future__ import annotations

from typing import Any

import pytest

from onestack.autoscaling.autoscaler.lease import PATIENCE, RENEW, VALID, Lease
from onestack.workloads.kind.faults import Fault


class Neutron:
    """What Neutron keeps of security groups: a change is refused if somebody else made one meanwhile."""

    def __init__(self) -> None:
        self.groups: list[dict[str, Any]] = []
        self.away = False

    def all(self, path: str, key: str, **params: Any) -> list[dict[str, Any]]:
        self._answer()
        return [dict(each) for each in self.groups if each["name"] == params["name"]]

    def post(self, path: str, body: Any) -> Any:
        self._answer()
        self.groups.append({"id": str(len(self.groups)), "revision_number": 1, **body["security_group"]})

    def call(self, method: str, path: str, *, json: Any, headers: dict[str, str]) -> None:
        self._answer()
        there = next(each for each in self.groups if path.endswith(each["id"]))
        if headers["If-Match"] != f"revision_number={there['revision_number']}":
            raise Fault(412, "changed meanwhile", "network", method, "-")
        there.update(json["security_group"], revision_number=there["revision_number"] + 1)

    def _answer(self) -> None:
        if self.away:
            raise Fault(503, "away", "network", "GET", "-")


class Clock:
    """Seconds that pass when a test says so; each autoscaler has its own, with a beginning of its own."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def neutron() -> Neutron:
    return Neutron()


def lease(neutron: Neutron, host: str, clock: Clock) -> Lease:
    return Lease(lambda: neutron, host, clock)  # type: ignore[arg-type, return-value]


def test_the_first_has_it_and_the_second_waits(neutron: Neutron) -> None:
    here, there = Clock(5.0), Clock(90_000.0)
    one, two = lease(neutron, "a", here), lease(neutron, "b", there)
    for _ in range(30):
        assert one.held()
        assert not two.held()
        here.now += RENEW / 2
        there.now += RENEW / 2


def test_the_second_takes_over_when_the_beat_stands_still(neutron: Neutron) -> None:
    here, there = Clock(5.0), Clock(90_000.0)
    one, two = lease(neutron, "a", here), lease(neutron, "b", there)
    assert one.held() and not two.held()
    there.now += PATIENCE - 1
    assert not two.held()
    there.now += 2
    assert two.held()
    # The first comes back to life, and is told at its next heartbeat.
    here.now += PATIENCE + 1
    assert not one.held()


def test_it_is_given_up_before_another_may_take_it() -> None:
    assert VALID + RENEW / 2 < PATIENCE


def test_neutron_that_is_away_stops_nobody_for_a_while(neutron: Neutron) -> None:
    clock = Clock(0.0)
    one = lease(neutron, "a", clock)
    assert one.held()
    neutron.away = True
    clock.now += RENEW + 1
    assert one.held()
    clock.now = VALID + 1
    with pytest.raises(Fault):
        one.held()
    neutron.away = False
    assert one.held()


def test_the_same_host_goes_on_at_once_after_a_kill(neutron: Neutron) -> None:
    assert lease(neutron, "a", Clock(0.0)).held()
    assert lease(neutron, "a", Clock(1.0)).held()


def test_two_that_begin_together_agree(neutron: Neutron) -> None:
    for ident in ("b", "a"):
        neutron.groups.append(
            {"id": ident, "name": "onestack-scaling-lease", "description": "x 3", "revision_number": 1}
        )
    one, two = lease(neutron, "a", Clock(0.0)), lease(neutron, "b", Clock(0.0))
    one._clock.now = two._clock.now = 0.0  # type: ignore[attr-defined]
    assert not one.held() and not two.held()
    one._clock.now = two._clock.now = PATIENCE + 1  # type: ignore[attr-defined]
    assert [one.held(), two.held()] == [True, False]
