"""A majority of the control hosts is lost for good, or thought to be: the cloud goes on with what is left, and grows
again; the lost hosts do no harm when they come back as they were."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.cloud import fetch_parts, onestack, status
from cluster.control_hosts import holder, members
from cluster.growing import guests, write
from cluster.host import Host
from cluster.hosts import Hosts
from onestack.core.wait import until
from onestack.spec import loads

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

BEGIN = """\
version: 1
name: recovered
platform: {address: 10.77.0.10, exclude: [dashboard, block-storage, load-balancer]}
hosts:
  - {name: c1, address: 10.77.0.11, roles: [control, network, compute]}
"""
C2 = "  - {name: c2, address: 10.77.0.12, roles: [control]}\n"
C3 = "  - {name: c3, address: 10.77.0.13, roles: [control]}\n"
C4 = "  - {name: c4, address: 10.77.0.14, roles: [control]}\n"
THREE = f"{BEGIN}{C2}{C3}"
NAMES = {f"c{number}": f"10.77.0.1{number}" for number in (1, 2, 3, 4)}
WORK = Path("/var/tmp/onestack-tests-recover")
"""Beside the hosts that other tests share: each set has a bridge of its own."""
TOGETHER = {"galera": 3, "ovn-databases": 3, "rabbitmq": 3}


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    """Hosts of their own, with the cloud up on three of four."""
    fetch_parts(loads(THREE))
    with Hosts.fresh(WORK, NAMES) as made:
        up(made["c1"], THREE)
        yield made


def up(host: Host, spec: str, *words: str) -> None:
    write(host, "/root/cloud.yaml", spec)
    onestack(host, "up", "/root/cloud.yaml", *words)


def create(host: Host, name: str) -> None:
    onestack(host, "exec", "openstack", "network", "create", name)


def networks(host: Host) -> set[str]:
    listed = onestack(host, "exec", "openstack", "network", "list", "-f", "value", "-c", "Name")
    return set(listed.split()) - {"public"}


def lose_two(hosts: Hosts) -> None:
    for name in ("c2", "c3"):
        hosts[name].lose()


def test_with_a_majority_it_refuses(hosts: Hosts) -> None:
    create(hosts["c1"], "before")
    hosts["c3"].lose()
    refused = onestack(hosts["c1"], "recover", "--yes", "--accept-data-loss", check=False)
    assert "2 of 3 control hosts are reached, a majority" in refused
    hosts["c3"].back()


def test_it_says_what_is_left_and_asks_for_the_option(hosts: Hosts) -> None:
    lose_two(hosts)
    said = onestack(hosts["c1"], "recover", "--dry-run", "--json").splitlines()
    found = json.loads(said[-1])
    assert (found["lost"], found["remaining"], found["begins"]) == (["c2", "c3"], ["c1"], "c1")
    assert not found["proved"]
    assert {each["service"] for each in found["members"]} == set(TOGETHER)
    refused = onestack(hosts["c1"], "recover", "--yes", check=False)
    assert "--accept-data-loss" in refused
    assert status(hosts["c1"])["health"] != "healthy"


def test_it_goes_on_with_what_is_left(hosts: Hosts) -> None:
    onestack(hosts["c1"], "recover", "--yes", "--accept-data-loss")
    assert members(hosts["c1"]) == dict.fromkeys(TOGETHER, 1)
    assert networks(hosts["c1"]) == {"before"}
    create(hosts["c1"], "after")
    assert holder(hosts).name == "c1"


def test_lost_hosts_that_come_back_as_they_were_do_no_harm(hosts: Hosts) -> None:
    for name in ("c2", "c3"):
        hosts[name].back()
    for name in ("c2", "c3"):
        # As their units do it at boot.
        said = onestack(hosts[name], "up", check=False)
        assert "given up when the cloud was recovered" in said
    assert holder(hosts).name == "c1"
    assert members(hosts["c1"]) == dict.fromkeys(TOGETHER, 1)
    assert networks(hosts["c1"]) == {"before", "after"}


def test_up_takes_them_back_as_new_members(hosts: Hosts) -> None:
    onestack(hosts["c1"], "up")
    assert members(hosts["c1"]) == TOGETHER
    found = status(hosts["c1"])
    assert found["health"] == "healthy", found["reasons"]


def test_after_a_power_cut_all_is_back_and_the_guest_runs_again(hosts: Hosts) -> None:
    words = ("server", "create", "--flavor", "m1.nano", "--image", "tiny", "--nic", "none", "--wait", "one")
    onestack(hosts["c1"], "exec", "openstack", *words)
    assert guests(hosts["c1"])
    for name in ("c1", "c2", "c3"):
        hosts[name].lose()
    for name in ("c3", "c2", "c1"):
        hosts[name].back()
    onestack(hosts["c1"], "up")
    assert members(hosts["c1"]) == TOGETHER
    assert networks(hosts["c1"]) == {"before", "after"}
    until(
        "the guest to run again",
        lambda: (bool(hosts["c1"].run("pgrep", "-x", "qemu-system-x86", check=False)), "no QEMU"),
        seconds=120,
        every=1,
    )


def test_other_hosts_take_the_place_of_lost_ones(hosts: Hosts) -> None:
    lose_two(hosts)
    onestack(hosts["c1"], "recover", "--yes", "--accept-data-loss")
    write(hosts["c1"], "/root/cloud.yaml", f"{BEGIN}{C3}{C4}")
    words = ("host", "replace", "c2", "/root/cloud.yaml", "--with", "c4", "--yes", "--leave-unreachable")
    onestack(hosts["c1"], *words)
    assert members(hosts["c1"]) == dict.fromkeys(TOGETHER, 2)
    hosts["c3"].back()
    onestack(hosts["c1"], "up")
    assert members(hosts["c1"]) == TOGETHER
    assert networks(hosts["c1"]) == {"before", "after"}
