"""A cloud on three hosts, as examples/hosts.yaml has it: a control host that is the gateway, and two that run guests.

The tests share it, in order; what one does to a host is undone by the next `up`.
"""

from __future__ import annotations

import json

import pytest

from cluster.cloud import COMPUTE, SPEC, onestack, status
from cluster.host import Host
from cluster.hosts import Hosts

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


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


def test_a_compute_host_holds_no_database_password_and_no_other_users(cloud: Host, all_hosts: Hosts) -> None:
    secrets = json.loads(cloud.run("cat", "/etc/onestack/secrets.json"))
    for name in COMPUTE:
        own = (f"bus/{name}", f"user/nova-compute-{name}")
        kept = {
            each: value
            for each, value in secrets.items()
            if each.startswith(("database/", "user/", "bus/")) and each not in own
        }
        assert {"user/admin", "user/nova", "user/neutron", "user/placement", "bus/c1"} <= kept.keys()
        for value in kept.values():
            places = ("/etc/onestack", "/var/lib/onestack", "/run/onestack", "/var/log/onestack")
            said = all_hosts[name].run("grep", "-rlsF", "--", value, *places, check=False)
            assert "/" not in said, f"on {name}: {said}"
        assert not json.loads(all_hosts[name].run("cat", "/etc/onestack/secrets.json")).keys() & kept.keys()
        assert "tenants" not in all_hosts[name].run("cat", "/etc/onestack/cloud.yaml")


def test_a_compute_host_says_how_its_own_processes_are(cloud: Host, all_hosts: Hosts) -> None:
    found = status(all_hosts["n1"])
    assert found["health"] == "healthy", found["reasons"]
    assert "nova" in {each["name"] for each in found["processes"]}
    said = onestack(all_hosts["n1"], "exec", "openstack", "server", "list", check=False)
    assert "this is done on the control host c1, not on n1" in said


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


OF_N2 = {"bus/n2", "user/nova-compute-n2"}


def passwords_of_n2(cloud: Host) -> dict[str, str]:
    """Those of its users in Keystone and RabbitMQ, as the control host knows them; and in etcd, where guests were
    healed before."""
    secrets = json.loads(cloud.run("cat", "/etc/onestack/secrets.json"))
    return {name: value for name, value in secrets.items() if name.endswith(("/n2", "-n2"))}


def test_a_host_is_removed_and_taken_on_again(cloud: Host, all_hosts: Hosts) -> None:
    before = passwords_of_n2(cloud)
    assert OF_N2 <= before.keys() <= {*OF_N2, "lease/host-n2"}
    onestack(cloud, "host", "remove", "n2", "--yes")
    assert all_hosts["n2"].changes() == {}
    assert passwords_of_n2(cloud) == {}
    users = onestack(cloud, "exec", "openstack", "user", "list", "-f", "value", "-c", "Name").split()
    assert "nova-compute-n2" not in users
    assert "nova-compute-n1" in users
    found = status(cloud)
    assert found["health"] == "healthy", found["reasons"]
    assert {each["host"] for each in found["workers"] if each["kind"] == "nova-compute"} == {"c1", "n1"}
    onestack(cloud, "up", str(SPEC))
    assert {each["name"] for each in json.loads(onestack(cloud, "host", "list", "--json"))} == {
        "c1",
        *COMPUTE,
    }
    after = passwords_of_n2(cloud)
    assert after.keys() == OF_N2
    assert not {*after.values()} & {*before.values()}


def test_logs_of_all_hosts_are_one(cloud: Host) -> None:
    lines = [json.loads(line) for line in onestack(cloud, "logs", "nova", "--json", "-n", "500").splitlines()]
    assert {each["process"] for each in lines} == {"nova", *(f"nova@{name}" for name in COMPUTE)}
    one = [json.loads(line) for line in onestack(cloud, "logs", "--host", "n1", "--json").splitlines()]
    assert {each["process"].partition("@")[2] for each in one} == {"n1"}


def test_destroy_leaves_every_host_as_it_was(cloud: Host, all_hosts: Hosts) -> None:
    onestack(cloud, "destroy", "--yes")
    for host in all_hosts:
        assert host.changes() == {}, host.name
