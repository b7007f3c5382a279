"""The leader is lost for good: another control host leads the cloud, and floating IPs answer again; the lost one is
taken on as an ordinary control host when it comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.cloud import UP_SECONDS, fetch_parts, onestack, status
from cluster.control_hosts import holder, members
from cluster.growing import write
from cluster.host import Host
from cluster.hosts import Hosts
from onestack.core.wait import until
from onestack.platform import northbound
from onestack.spec import loads

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

PLATFORM = "platform: {address: 10.77.0.10, exclude: [dashboard, block-storage, load-balancer]}\n"
HOSTS = """\
  - {name: c1, address: 10.77.0.11, roles: [control, network]}
  - {name: c2, address: 10.77.0.12, roles: [control, network, compute]}
  - {name: c3, address: 10.77.0.13, roles: [control]}
"""
TENANTS = "tenants: [{name: shop, users: [{name: ada, roles: [member]}]}]\n"
SPEC = f"version: 1\nname: led\n{PLATFORM}hosts:\n{HOSTS}{TENANTS}"
NAMES = {f"c{number}": f"10.77.0.1{number}" for number in (1, 2, 3)}
WORK = Path("/var/tmp/onestack-tests-leader")
TOGETHER = {"galera": 3, "ovn-databases": 3, "rabbitmq": 3}


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    """Hosts of their own, with a cloud on them; from the first two all are reached by ssh."""
    fetch_parts(loads(SPEC))
    with Hosts.fresh(WORK, NAMES, reach=2) as made:
        write(made["c1"], "/root/cloud.yaml", SPEC)
        onestack(made["c1"], "up", "/root/cloud.yaml")
        yield made


def own(host: Host, *words: str) -> str:
    """Run a command with the copy of OneStack that the cloud has put there, as its unit does: there is no other."""
    (running,) = host.run("pgrep", "-af", "onestack.host.supervisord").splitlines()
    return host.run(running.split()[1], "-m", "onestack.cli", *words, seconds=UP_SECONDS)


def test_while_it_works_no_other_one_leads(hosts: Hosts) -> None:
    refused = onestack(hosts["c2"], "recover", "--yes", "--accept-data-loss", check=False)
    assert "c1 leads the cloud, and is reached" in refused
    said = onestack(hosts["c3"], "recover", "--yes", "--accept-data-loss", check=False)
    assert "c1 leads the cloud, and answers, though not by ssh" in said


def test_another_one_leads_with_all_that_there_was(hosts: Hosts) -> None:
    shown = json.loads(onestack(hosts["c1"], "demo", "--json").splitlines()[-1])
    hosts["c1"].lose()
    said = json.loads(own(hosts["c2"], "recover", "--dry-run", "--json").splitlines()[-1])
    assert (said["lost"], said["former"], said["proved"]) == (["c1"], "c1", True)
    own(hosts["c2"], "recover", "--yes")
    assert members(hosts["c2"]) == dict.fromkeys(TOGETHER, 2)
    assert holder(hosts).name in ("c2", "c3")
    until(
        "the floating IP to answer",
        lambda: answers(hosts["c2"], shown["url"]),
        seconds=60,
        every=1,
        evidence=lambda: gateways(hosts["c2"]),
    )
    # The spec's tenants are known here, with the passwords that were made for their users.
    onestack(hosts["c2"], "plan", "/etc/onestack/cloud.yaml", "--detailed-exitcode")
    words = ("server", "create", "--flavor", "m1.nano", "--image", "tiny", "--nic", "none", "--wait", "new")
    onestack(hosts["c2"], "exec", "openstack", *words)


def test_the_lost_one_comes_back_as_an_ordinary_one(hosts: Hosts) -> None:
    hosts["c1"].back()
    # As its unit does it at boot.
    said = onestack(hosts["c1"], "up", "--leave-unreachable", check=False)
    assert "c1 was given up when the cloud was recovered" in said
    onestack(hosts["c2"], "up")
    assert members(hosts["c2"]) == TOGETHER
    found = status(hosts["c2"])
    assert found["health"] == "healthy", found["reasons"]
    refused = onestack(hosts["c1"], "host", "list", check=False)
    assert "control host c2" in refused


def gateways(host: Host) -> str:
    """On which hosts OVN has the gateways."""
    inside = ("nsenter", "--mount=/run/onestack/ns/mnt")
    return host.run(*inside, *northbound.CTL, "show") + host.run(
        *inside, *northbound.CTL, "list", "HA_Chassis"
    )


def answers(host: Host, url: str) -> tuple[bool, str]:
    said = onestack(host, "exec", "curl", "-s", "-m", "3", url, check=False)
    return "hostname=web" in said, said
