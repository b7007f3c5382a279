"""A compute host is lost, its guest serves elsewhere, and never twice; where too many are, nothing is evacuated."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator

import pytest

from cluster.cloud import SPEC, onestack
from cluster.counting import DELETE, ask, left
from cluster.healing import (
    SERVES,
    all_serve,
    answered,
    guests_of,
    healed,
    healing,
    make,
    once,
    placed,
    running,
    spec,
    up,
)
from cluster.host import Host
from cluster.hosts import Hosts
from onestack.core.wait import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


WAYS: dict[str, Callable[[Host], None]] = {"power": Host.lose, "link": Host.cut, "freeze": Host.freeze}
"""How a host is lost."""


@pytest.fixture(scope="module")
def healer(cloud: Host) -> Iterator[Host]:
    """The control host of the shared cloud, with healing. Guests move between the other two."""
    up(cloud, spec())
    ask(cloud, SERVES, "c1", "disable")
    all_serve(cloud)
    yield cloud
    ask(cloud, SERVES, "c1", "enable")
    onestack(cloud, "up", str(SPEC))


@pytest.fixture(scope="module")
def guests(healer: Host) -> Iterator[tuple[str, str]]:
    """The guest that moves, again and again, and one that is to stay; both begin on n1."""
    moves, stays = make(healer, "n1", {"moves": "evacuate", "stays": "restart"})
    yield moves, stays
    for each in (moves, stays):
        ask(healer, DELETE, each)


def test_a_reserve_that_does_not_hold_is_refused(healer: Host) -> None:
    guests = "{name: web, count: COUNT, image: tiny, flavor: m1.nano, healing: evacuate}"
    text = f"{spec()}tenants: [{{name: shop, servers: [{guests}]}}]\n"
    with placed(healer, text.replace("COUNT", "1")) as place:
        room = json.loads(onestack(healer, "capacity", place, "--json"))["room"]
    # As many of 1 VCPU, 128 MiB and 1 GiB as just do not fit on two of three hosts.
    many = min(room["VCPU"], room["MEMORY_MB"] // 128, room["DISK_GB"]) * 2 // 3 + 2
    with placed(healer, text.replace("COUNT", str(many))) as place:
        said = onestack(healer, "plan", place, check=False)
        assert "the reserve of 1 host does not hold: after the loss of" in said
        assert "VCPU: " in said
    assert healing(healer, "status")["reserve"]["holds"] is True


def test_a_guest_whose_process_ended_runs_again(healer: Host, hosts: Hosts, guests: tuple[str, str]) -> None:
    _, stays = guests
    (pid,) = (pid for pid, ident in guests_of(hosts["n1"]).items() if ident == stays)
    before = len(healing(healer, "history"))
    os.kill(pid, signal.SIGKILL)
    event = healed(hosts, healer, before)
    assert (event["kind"], event["host"]) == ("restart", "n1")
    assert event["outcome"] == "stays: its process ended; it was started again there (try 1)"
    assert running(hosts)[stays] == ["n1"]
    assert pid not in guests_of(hosts["n1"])


@pytest.mark.parametrize("way", WAYS)
def test_a_guest_of_a_lost_host_answers_elsewhere_and_runs_once(
    healer: Host, hosts: Hosts, guests: tuple[str, str], way: str
) -> None:
    moves, stays = guests
    (lost,) = running(hosts)[moves]
    there = running(hosts)[stays] == [lost]
    other = {"n1": "n2", "n2": "n1"}[lost]
    before = len(healing(healer, "history"))
    WAYS[way](hosts[lost])
    event = healed(hosts, healer, before, frozen=lost if way == "freeze" else "")
    assert (event["kind"], event["host"]) == ("lost", lost)
    assert "lease" in event["proof"]
    assert [(each["id"], each["to"]) for each in event["moved"]] == [(moves, other)]
    assert [each["id"] for each in event["left"]] == ([stays] if there else [])
    hosts[lost].back()
    if way == "power":
        # What its unit does at boot, where there is systemd.
        onestack(hosts[lost], "up")
    all_serve(healer)
    once(hosts)
    assert left(hosts, moves) == {other: [moves]}
    (moved,) = answered(healer, before)
    assert (moved["seen"], moved["answered"] >= moved["away"]) == ("its console", True)
    until(
        "the guest that stayed to run",
        lambda: (running(hosts).get(stays) == ["n1"], str(running(hosts))),
        seconds=120,
        every=0.5,
    )


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
