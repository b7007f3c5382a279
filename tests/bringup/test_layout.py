"""Which process runs on which host is data: one host has everything, several share it by their roles."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from bringup.conftest import Make
from cloud import health
from onestack.core import contract
from onestack.platform import layout
from onestack.platform.shape import Need, leader, local
from onestack.platform.view import HostView, View
from onestack.spec.model import HostRole

CONTROL_AND_NETWORK = frozenset({"control", "network"})
COMPUTE = frozenset({"compute"})


@pytest.fixture
def three(make: Make) -> View:
    """A control host that is the gateway, and two compute hosts, the first of them asking."""
    one = make().view
    hosts = [
        replace(one.here, name=name, roles=roles)
        for name, roles in (("n1", COMPUTE), ("c1", CONTROL_AND_NETWORK), ("n2", COMPUTE))
    ]
    return View(replace(one.cloud, leader="c1"), hosts[0], tuple(hosts[1:]))


def names(view: View, host: str) -> set[str]:
    return {each.name for each in layout.assign(view)[host]}


def test_one_host_has_every_process(make: Make) -> None:
    view = make("platform: {monitoring: {enabled: true}}\n").view
    everything = {"mariadb", "api-gateway", "keystone", "nova", "neutron", "libvirtd", "ovsdb", "prometheus"}
    assert everything <= names(view, "host")
    without_storage = replace(view.here, roles=frozenset(get_args(HostRole)) - {"storage"})
    assert names(replace(view, here=without_storage), "host") == names(view, "host")


def test_the_tests_on_a_cloud_know_all_its_processes(make: Make) -> None:
    assert [each.name for each in layout.processes(make().view)] == list(health.PROCESSES)


def test_compute_hosts_have_what_guests_need_and_nothing_of_the_control_host(three: View) -> None:
    for host in ("n1", "n2"):
        assert names(three, host) == {
            *("ovsdb", "ovs-vswitchd", "ovn-controller"),
            *("virtlogd", "libvirtd", "rsync", "nova", "neutron"),
        }
    control = names(three, "c1")
    assert {
        "mariadb",
        "api-gateway",
        "keystone",
        "glance",
        "placement",
        "nova",
        "neutron",
        "ovn-northd",
    } <= control
    assert not control & {"libvirtd", "virtlogd"}


def test_each_host_sees_the_others(three: View) -> None:
    seen = {each.here.name: [peer.name for peer in each.peers] for each in layout.views(three)}
    assert seen == {"n1": ["c1", "n2"], "c1": ["n1", "n2"], "n2": ["n1", "c1"]}


def test_what_a_cloud_has_once_is_on_the_leader(make: Make) -> None:
    one = make("platform: {monitoring: {enabled: true}}\n").view
    hosts = [replace(one.here, name=name) for name in ("c1", "c2", "c3")]
    view = View(replace(one.cloud, leader="c1"), hosts[0], tuple(hosts[1:]))
    assert [host for host in ("c1", "c2", "c3") if "prometheus" in names(view, host)] == ["c1"]
    assert all("mariadb" in names(view, host) for host in ("c1", "c2", "c3"))


def test_needs_become_names_of_tasks() -> None:
    there = {"c1": ["mariadb", "nova"], "n1": ["nova", "libvirtd"], "n2": ["nova"]}
    needs = (*local("libvirtd"), *leader("mariadb"), Need("nova", "all"))
    assert layout.resolve(needs, "n1", "c1", there) == (
        *("libvirtd@n1", "mariadb@c1"),
        *("nova@c1", "nova@n1", "nova@n2"),
    )


def test_ovns_databases_are_on_control_hosts_alone(three: View) -> None:
    served = {
        each.here.name: next(process for process in layout.processes(each) if process.name == "ovsdb").command
        for each in layout.views(three)
    }
    assert "punix:/run/ovn/ovnsb_db.sock" in " ".join(served["c1"])
    assert "ovnsb" not in " ".join(served["n1"])
    assert "punix:/run/openvswitch/db.sock" in " ".join(served["n1"])


def test_a_view_of_one_host_is_backed_by_its_sockets(make: Make) -> None:
    backing = make().view.backing
    assert backing.database_url("nova", "nova", "x").startswith(
        "mysql+mysqldb://nova:x@localhost/nova?unix_socket=/run/"
    )
    assert (backing.ovn_north, backing.ovn_south) == (
        "unix:/run/ovn/ovnnb_db.sock",
        "unix:/run/ovn/ovnsb_db.sock",
    )
    assert backing.coordination_url("/var/lib/cinder") == "file:///var/lib/cinder/coordination"
    assert isinstance(make().view.here, HostView)


def test_each_host_starts_the_workers_of_its_roles(three: View, make: Make) -> None:
    def workers(view: View, project: str) -> str | None:
        return next(each for each in layout.processes(view) if each.name == project).environment.get(
            contract.WORKERS
        )

    found = {
        each.here.name: (workers(each, "nova"), workers(each, "neutron")) for each in layout.views(three)
    }
    assert found == {
        "c1": ("api,conductor,scheduler", "api"),
        "n1": ("compute", "agent"),
        "n2": ("compute", "agent"),
    }
    assert workers(make().view, "nova") is None, "one host with all roles has all of them"
