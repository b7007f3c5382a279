"""A cloud of one control host takes on the second and the third, and a lost one is replaced: its resources and its
guest stay what they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.cloud import fetch_parts, onestack, status
from cluster.control_hosts import members
from cluster.growing import DEMO, GAP_SECONDS, SPEC_FILE, Grown, Prober, guests, write
from cluster.hosts import Hosts
from onestack.spec import loads

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

PLATFORM = "exclude: [dashboard, block-storage, load-balancer]"
ONE = f"""\
version: 1
name: growing
platform: {{{PLATFORM}}}
hosts:
  - {{name: c1, address: 10.77.0.11, roles: [control, network, compute]}}
"""
C2 = "  - {name: c2, address: 10.77.0.12, roles: [control]}\n"
C3 = "  - {name: c3, address: 10.77.0.13, roles: [control]}\n"
C4 = "  - {name: c4, address: 10.77.0.14, roles: [control]}\n"
SEVERAL = ONE.replace(PLATFORM, f"address: 10.77.0.10, {PLATFORM}")
THREE = f"{SEVERAL}{C2}{C3}"
OTHER = f"{SEVERAL}{C3}{C4}"
"""c4 in the place of c2."""
NAMES = {f"c{number}": f"10.77.0.1{number}" for number in (1, 2, 3, 4)}
WORK = Path("/var/tmp/onestack-tests-growing")
"""Beside the hosts that other tests share: each set has a bridge of its own."""
TOGETHER = {"galera": 3, "ovn-databases": 3, "rabbitmq": 3}


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    """Hosts of their own: a fourth one is needed."""
    fetch_parts(loads(THREE))
    with Hosts.fresh(WORK, NAMES) as made:
        yield made


@pytest.fixture(scope="module")
def grown(hosts: Hosts) -> Grown:
    """The cloud of one host with the demo's guest."""
    found = Grown(hosts["c1"], [], {}, "")
    found.up(ONE)
    url = json.loads(onestack(found.control, "demo", "--json").splitlines()[-1])["url"]
    found.probers = [Prober(found.control, url)]
    found.ids, found.guests = found.seen(), guests(found.control)
    return found


def running(grown: Grown) -> list[tuple[str, str, int]]:
    return [(each["host"], each["name"], each["pid"]) for each in status(grown.control)["processes"]]


def test_it_takes_on_two_control_hosts_while_its_guest_serves(grown: Grown) -> None:
    grown.probe()
    grown.up(THREE)
    gap = grown.gap()
    assert guests(grown.control) == grown.guests
    assert gap < GAP_SECONDS, f"the guest did not answer for {gap:.1f} s"
    assert members(grown.control) == TOGETHER
    assert grown.seen() == grown.ids
    found = status(grown.control)
    assert found["health"] == "healthy", found["reasons"]
    assert "No changes" in onestack(grown.control, "plan", DEMO)
    before = running(grown)
    grown.up(THREE)
    assert running(grown) == before


def test_a_lost_control_host_is_replaced_by_another(grown: Grown, hosts: Hosts) -> None:
    hosts["c2"].lose()
    write(grown.control, SPEC_FILE, OTHER)
    words = ("host", "replace", "c2", SPEC_FILE, "--with", "c4", "--yes", "--leave-unreachable")
    onestack(grown.control, *words)
    assert members(grown.control) == TOGETHER
    assert guests(grown.control) == grown.guests
    assert grown.seen() == grown.ids
    found = status(grown.control)
    assert found["health"] == "healthy", found["reasons"]
    # Those of the host that is asked have no name of a host.
    assert {each["host"] or "c1" for each in found["processes"]} == {"c1", "c3", "c4"}
