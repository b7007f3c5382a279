"""A compute host is lost, its guest serves elsewhere, and never twice; where too many are, nothing is evacuated."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster.cloud import SPEC, onestack
from cluster.counting import DELETE, ask, left
from cluster.healing import ANSWERS, all_serve, healed, healing, make, once, running, spec, up
from cluster.host import Host
from cluster.hosts import Hosts
from onestack.core.wait import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def healer(cloud: Host) -> Iterator[Host]:
    """The control host of the shared cloud, with healing."""
    up(cloud, spec())
    all_serve(cloud)
    yield cloud
    onestack(cloud, "up", str(SPEC))


def test_a_guest_of_a_lost_host_answers_elsewhere_and_runs_once(healer: Host, hosts: Hosts) -> None:
    guest, stays = make(healer, "n1", "moves"), make(healer, "n1", "stays", "leave")
    before = len(healing(healer, "history"))
    hosts["n1"].lose()
    event = healed(hosts, healer, before)
    assert (event["kind"], event["host"]) == ("lost", "n1")
    assert "lease" in event["proof"]
    (moved,) = event["moved"]
    assert (moved["id"], moved["to"] in ("c1", "n2")) == (guest, True)
    assert [each["id"] for each in event["left"]] == [stays]
    assert ask(healer, ANSWERS, guest) == moved["to"]
    hosts["n1"].back()
    # What its unit does at boot, where there is systemd.
    onestack(hosts["n1"], "up")
    all_serve(healer)
    once(hosts)
    assert left(hosts, guest) == {moved["to"]: [guest]}
    until(
        "the guest that stayed to run again",
        lambda: (running(hosts).get(stays) == ["n1"], str(running(hosts))),
        seconds=120,
        every=0.5,
    )
    for each in (guest, stays):
        ask(healer, DELETE, each)


def test_nothing_is_evacuated_while_most_hosts_are_cut_off(healer: Host, hosts: Hosts) -> None:
    before = len(healing(healer, "history"))
    for name in ("n1", "n2"):
        hosts[name].cut()
    until(
        "the healer to see that both are silent",
        lambda: ((found := healing(healer, "status"))["restrained"], str(found)),
        seconds=60,
        every=0.5,
    )
    # They end their guests by themselves: each reaches nobody.
    for name in ("n1", "n2"):
        until(
            f"{name} to have ended its guests",
            lambda name=name: ("fenced" in hosts[name].run("cat", "/run/onestack/lease.json"), "not yet"),  # type: ignore[misc]
            seconds=60,
            every=0.5,
        )
    for name in ("n1", "n2"):
        hosts[name].back()
    all_serve(healer)
    events = healing(healer, "history")[before:]
    assert {each["kind"] for each in events} == {"restraint"}
    assert not any(each["moved"] for each in events)
