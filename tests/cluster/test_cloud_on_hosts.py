"""A cloud on three hosts, as examples/hosts.yaml has it: a control host that is the gateway, and two that run guests.

The tests share it, in order; what one does to a host is undone by the next `up`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.host import REPOSITORY, Host
from cluster.hosts import Hosts
from onestack.core.events import silent
from onestack.core.paths import Paths
from onestack.platform.fetch import fetch
from onestack.platform.up import extras_of
from onestack.spec import load

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

SPEC = REPOSITORY / "examples/hosts.yaml"
UP_SECONDS = 900.0
COMPUTE = ("n1", "n2")


def onestack(host: Host, *words: str, check: bool = True) -> str:
    environment = ("env", "NO_COLOR=1", "ONESTACK_VERIFY_OUTSIDE=0")
    return host.run(*environment, str(REPOSITORY / "onestack"), *words, seconds=UP_SECONDS, check=check)


def status(host: Host) -> dict[str, Any]:
    found = json.loads(onestack(host, "status", "--json", check=False))
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def cloud(all_hosts: Hosts) -> Iterator[Host]:
    """The control host, with the cloud up. The hosts reach no registry: what they need is fetched here."""
    spec = load(SPEC)
    for each in spec.hosts:
        fetch(Paths.at(), spec.platform, silent, extras=extras_of(spec, each.name))
    for host in all_hosts:
        host.keep()
    control = all_hosts["c1"]
    onestack(control, "up", str(SPEC))
    yield control
    onestack(control, "destroy", "--yes")


def test_doctor_shows_every_host_and_finds_nothing_in_the_way(cloud: Host) -> None:
    found = json.loads(onestack(cloud, "doctor", str(SPEC), "--json"))
    assert list(found) == ["c1", *COMPUTE]
    assert all(each["ready"] for each in found.values())


def test_every_process_of_every_host_answers(cloud: Host) -> None:
    found = status(cloud)
    assert found["health"] == "healthy", found["reasons"]
    by_host: dict[str, set[str]] = {}
    for each in found["processes"]:
        by_host.setdefault(each["host"], set()).add(each["name"])
    for name in COMPUTE:
        assert by_host[name] >= {"nova", "neutron", "libvirtd", "ovs-vswitchd", "ovn-controller"}
        assert not by_host[name] & {"mariadb", "keystone", "api-gateway", "rabbitmq"}
    computes = {each["host"] for each in found["workers"] if each["kind"] == "nova-compute" and each["alive"]}
    assert computes == {"c1", *COMPUTE}


def test_a_second_up_has_nothing_to_start(cloud: Host) -> None:
    before = {(each["host"], each["name"]): each["pid"] for each in status(cloud)["processes"]}
    onestack(cloud, "up", str(SPEC))
    onestack(cloud, "up")
    assert {(each["host"], each["name"]): each["pid"] for each in status(cloud)["processes"]} == before


def test_a_compute_host_holds_no_database_password_and_no_administrators(
    cloud: Host, all_hosts: Hosts
) -> None:
    secrets = json.loads(cloud.run("cat", "/etc/onestack/secrets.json"))
    kept = {name: value for name, value in secrets.items() if name.startswith(("database/", "user/admin"))}
    assert kept
    for name in COMPUTE:
        for value in (
            *kept.values(),
            *(secrets[f"bus/{other}"] for other in ("c1", *COMPUTE) if other != name),
        ):
            places = ("/etc/onestack", "/var/lib/onestack", "/run/onestack", "/var/log/onestack")
            said = all_hosts[name].run("grep", "-rlsF", "--", value, *places, check=False)
            assert "/" not in said, f"on {name}: {said}"
        assert not json.loads(all_hosts[name].run("cat", "/etc/onestack/secrets.json")).keys() & kept.keys()
        assert "tenants" not in all_hosts[name].run("cat", "/etc/onestack/cloud.yaml")


def test_commands_for_the_whole_cloud_are_refused_elsewhere(cloud: Host, all_hosts: Hosts) -> None:
    said = onestack(all_hosts["n1"], "up", str(SPEC), check=False)
    assert "this machine is not the control host" in said
    assert "run the command on c1" in said


def test_guests_on_different_hosts_are_one_cloud(cloud: Host) -> None:
    said = onestack(cloud, "verify", "--quick", check=False)
    for step in ("HTTP through the floating IP", "guests on different hosts", "live migration", "balancer"):
        assert f"  {step}  " in said, said
    assert "✗" not in said, said


def test_a_compute_host_that_lost_all_its_processes_comes_back_by_itself(cloud: Host, hosts: Hosts) -> None:
    hosts["n1"].lose()
    found = status(cloud)
    assert found["health"] == "degraded"
    assert any(reason.startswith("host n1: ") for reason in found["reasons"])
    hosts["n1"].back()
    # What its unit does at boot, where there is systemd.
    onestack(hosts["n1"], "up")
    onestack(cloud, "up")
    assert status(cloud)["health"] == "healthy"


def test_destroy_leaves_every_host_as_it_was(cloud: Host, all_hosts: Hosts) -> None:
    onestack(cloud, "destroy", "--yes")
    for host in all_hosts:
        assert host.changes() == {}, host.name
