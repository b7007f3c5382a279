"""The external network has a router of its own: a host with the active gateway of tenants' routers is lost, and their
floating IPs answer again within seconds, by another host."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cluster import gateways
from cluster.cloud import fetch_parts, onestack
from cluster.control_hosts import NAMES
from cluster.gateways import Guest, active, asking
from cluster.hosts import Hosts
from onestack.core.wait import until
from onestack.host import network
from onestack.spec import loads

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

WORK = Path("/var/tmp/onestack-tests-gateways")
"""Beside the hosts that other tests share: each set has bridges of its own."""
BEFORE_SECONDS = 120.0
"""For a guest to boot and answer; all share two processors."""
AWAY_SECONDS = 20.0
"""How long floating IPs may be away; the aim is 5."""
KEPT_SECONDS = 2.0
"""Between two answers of a floating IP that no fault touches: this machine is busy meanwhile."""


class Routed(NamedTuple):
    hosts: Hosts
    guests: list[Guest]

    def whole(self, name: str) -> None:
        """Bring a host back, until it has what OVN prefers it for."""
        self.hosts[name].back()
        onestack(self.hosts["c1"], "up", gateways.FILE)

    def active(self) -> list[str]:
        """The hosts with the active gateways, as c3 knows of them."""
        return [active(self.hosts["c3"], guest) for guest in self.guests]

    def until_active(self, as_wanted: Callable[[list[str]], bool], what: str) -> None:
        """Until OVN's databases, which the loss of a host delays too, say so."""
        until(what, lambda: (as_wanted(found := self.active()), str(found)), seconds=60)


@pytest.fixture(scope="module")
def routed() -> Iterator[Routed]:
    """Hosts of their own, with the cloud up and two guests in it."""
    fetch_parts(loads(gateways.SPEC))
    with Hosts.fresh(WORK, NAMES, routed=True) as made:
        gateways.up(made)
        yield Routed(made, gateways.make(made["c1"]))


def _say(what: str, seconds: list[float]) -> None:
    sys.stdout.write(f"{what}: longest time without an answer {[round(each, 1) for each in seconds]} s\n")


def test_no_host_has_an_address_in_the_external_network(routed: Routed) -> None:
    for host in routed.hosts:
        links = json.loads(host.run("ip", "-json", "address", "show"))
        assert network.HERE not in [each["ifname"] for each in links]
        addresses = [each["local"] for link in links for each in link["addr_info"]]
        assert not [each for each in addresses if each.startswith("10.77.1.")]


def test_routers_have_their_gateways_on_different_hosts(routed: Routed) -> None:
    assert {*routed.active()} == {"c1", "c2"}


def test_hosts_reach_floating_ips_by_their_default_route(routed: Routed) -> None:
    said = onestack(routed.hosts["c1"], "demo")
    assert "http://10.77.1." in said
    onestack(routed.hosts["c1"], "demo", "--remove")


@pytest.mark.parametrize("name", ["c2", "c1"])
def test_the_host_of_an_active_gateway_is_lost(routed: Routed, tmp_path: Path, name: str) -> None:
    """The second one is the leader, too."""
    hosts, guests = routed
    with asking(hosts, guests, tmp_path) as asked:
        for each in asked:
            each.wait("the guest to answer", BEFORE_SECONDS)
        assert name in routed.active()
        hosts[name].lose()
        for each in asked:
            each.wait(f"a floating IP without {name}", AWAY_SECONDS)
        _say(f"{name} lost", [each.longest() for each in asked])
    routed.until_active(lambda found: name not in found, f"another gateway than {name}")
    routed.whole(name)
    routed.until_active(lambda found: name in found, f"{name} to be a gateway again")


def test_a_floating_ip_on_its_guests_host_needs_no_gateway(routed: Routed, tmp_path: Path) -> None:
    hosts, guests = routed
    gateways.up(hosts, gateways.EVERYWHERE)
    with asking(hosts, guests, tmp_path) as asked:
        for each in asked:
            each.wait("the guest to answer", BEFORE_SECONDS)
        name = next(each for each in routed.active() if each != "c3")
        hosts[name].lose()
        for each in asked:
            each.wait(f"a floating IP without {name}", AWAY_SECONDS)
        found = [each.longest() for each in asked]
        _say(f"{name} lost, with floating IPs on their guests' host", found)
    assert max(found) < KEPT_SECONDS
