"""What each host of several runs and holds: a compute host no more than guests and their networks need."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from hosts.conftest import Views, views, with_its_secrets
from onestack.core import contract
from onestack.core.events import silent
from onestack.platform import catalogue, folders, graph, layout
from onestack.platform.infrastructure import ovn
from onestack.platform.services import CATALOGUE
from onestack.platform.services.identity import BOOTSTRAP
from onestack.platform.shape import Need
from onestack.platform.trees import trees
from onestack.platform.view import Ceph, View, VolumeBackend
from onestack.spec.platform import Platform
from services.test_declarations import read
from services.views import with_cloud

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

COMPUTE = {"ovsdb", "ovs-vswitchd", "ovn-controller", "virtlogd", "libvirtd", "rsync", "nova", "neutron"}


def nova(view: View) -> dict[str, dict[str, str]]:
    return {name: dict(options) for name, options in read(layout.files(view)["nova/nova.conf"]).items()}


def test_a_compute_host_has_what_guests_need_and_no_more(hosts: Views) -> None:
    for name in ("n1", "n2"):
        assert {each.name for each in layout.processes(hosts[name])} == COMPUTE
        assert set(layout.files(hosts[name])) == {
            *("libvirt/libvirtd.conf", "libvirt/qemu.conf", "libvirt/virtlogd.conf"),
            "rsync/rsync.json",
            *("nova/nova.conf", "neutron/neutron.conf", "neutron/ml2_conf.ini"),
        }
        owners = {each.owner for each in folders.of(hosts[name])}
        assert owners == {"root"}, "its base has no package of a database or a bus"
    assert {"rabbitmq", "epmd", "mariadb", "keystone"} <= {
        each.name for each in layout.processes(hosts["c1"])
    }


def test_a_compute_host_gets_the_secrets_of_its_files_alone() -> None:
    every = views()
    assert layout.secret_names(every["c1"]) == set(every["c1"].cloud.secrets)
    assert layout.secret_names(every["n1"]) == {
        *("bus/n1", "metadata", "user/nova-compute-n1"),
    }


def test_no_file_of_a_compute_host_leads_to_a_database_or_to_an_administrator(hosts: Views) -> None:
    secrets = views()["c1"].cloud.secrets
    forbidden = [
        value
        for name, value in secrets.items()
        if (name.startswith(("database/", "user/")) and name != "user/nova-compute-n1")
        or name in ("bus/c1", "bus/n2", "dashboard")
    ]
    text = "".join(layout.files(hosts["n1"]).values())
    assert not [value for value in forbidden if re.search(rf"{value}(?![\w-])", text)]
    assert "mysql" not in text
    sections = nova(hosts["n1"])
    assert not {"database", "api_database", "keystone_authtoken"} & {k for k, v in sections.items() if v}
    assert {"database", "api_database", "keystone_authtoken"} <= set(nova(hosts["c1"]))


def test_what_is_needed_is_there_on_the_host_that_is_meant(hosts: Views) -> None:
    there = {
        name: {*(each.name for each in layout.processes(view)), *(each.name for each in layout.steps(view))}
        for name, view in hosts.items()
    }
    there["c1"] |= {graph.DATABASES, BOOTSTRAP}
    for name, view in hosts.items():
        for one in (*layout.processes(view), *layout.steps(view)):
            for need in one.needs:
                place = "c1" if need.where == "leader" else name
                assert need.name in there[place], f"{one.name}@{name} needs {need}"


def test_control_without_guests_needs_no_libvirt() -> None:
    view = views({"c1": frozenset({"control", "network"}), "n1": frozenset({"compute"})})["c1"]
    process = next(each for each in layout.processes(view) if each.name == "nova")
    assert Need("libvirtd") not in process.needs
    assert Need("bus users", "leader") in process.needs


def test_nova_knows_which_host_stores_volumes(hosts: Views) -> None:
    for name, driver in (("c1", "libvirt.LibvirtDriver"), ("n1", contract.LIBVIRT_DRIVER)):
        (process,) = (each for each in layout.processes(hosts[name]) if each.name == "nova")
        assert process.environment[contract.VOLUME_HOSTS] == "file=c1"
        assert nova(hosts[name])["DEFAULT"]["compute_driver"] == driver
    scheduler = nova(hosts["c1"])["filter_scheduler"]
    assert scheduler["available_filters"] == contract.VOLUME_FILTERS
    assert scheduler["enabled_filters"].split(",")[-1] == contract.VOLUME_FILTER


@pytest.mark.parametrize(
    "changes",
    [
        {"volume_backends": (VolumeBackend("pool", ceph=Ceph("volumes", "cinder", "uuid")),)},
        {"services": frozenset(CATALOGUE) - {"block-storage"}},
    ],
)
def test_where_all_hosts_reach_all_volumes_nova_is_as_ever(hosts: Views, changes: dict[str, object]) -> None:
    for view in hosts.values():
        view = with_cloud(view, **changes)
        (process,) = (each for each in layout.processes(view) if each.name == "nova")
        assert contract.VOLUME_HOSTS not in process.environment
        assert nova(view)["DEFAULT"]["compute_driver"] == "libvirt.LibvirtDriver"
        assert "available_filters" not in nova(view).get("filter_scheduler", {})


def test_nova_alone_uses_the_bus_between_hosts(hosts: Views) -> None:
    urls = {
        name: read(text)["DEFAULT"]["transport_url"]
        for name, text in layout.files(hosts["c1"]).items()
        if "transport_url" in text
    }
    assert urls.pop("nova/nova.conf") == "rabbit://c1:secret-of-bus-c1@192.0.2.11:5671/nova"
    assert set(urls.values()) == {"onestack://"}
    assert nova(hosts["n1"])["DEFAULT"]["transport_url"].startswith("rabbit://n1:secret-of-bus-n1@192.0.2.11")
    for view in hosts.values():
        bus = nova(view)["oslo_messaging_rabbit"]
        assert (bus["ssl"], bus["ssl_enforce_hostname_verification"]) == ("true", "true")
        assert (bus["hostname"], bus["processname"]) == (view.here.name, "nova")


def test_without_nova_there_is_no_bus(hosts: Views) -> None:
    view = with_cloud(hosts["c1"], services=frozenset({"identity", "image", "network"}))
    assert not {"rabbitmq", "epmd"} & {each.name for each in layout.processes(view)}


def test_guests_move_and_show_themselves_with_tls_alone(hosts: Views) -> None:
    for view in hosts.values():
        found = layout.files(view)
        daemon = found["libvirt/libvirtd.conf"]
        assert "listen_tls = 1" in daemon and "listen_tcp = 0" in daemon
        assert f'listen_addr = "{view.here.address}"' in daemon
        assert 'tls_allowed_dn_list = ["CN=c1", "CN=n1", "CN=n2"]' in daemon
        assert "migrate_tls_force = 1" in found["libvirt/qemu.conf"]
        assert "vnc_tls = 1" in found["libvirt/qemu.conf"]
        options = nova(view)
        assert options["libvirt"]["live_migration_with_native_tls"] == "true"
        assert options["libvirt"]["live_migration_uri"] == "qemu+tls://%s/system?pkipath=/etc/libvirt/tls"
        assert options["libvirt"]["live_migration_inbound_addr"] == view.here.address
        assert options["vnc"]["server_listen"] == view.here.address
    assert len({layout.files(view)["libvirt/libvirtd.conf"] for view in hosts.values()}) == 3
    assert nova(hosts["c1"])["vnc"]["auth_schemes"] == "vencrypt,none"
    assert "auth_schemes" not in nova(hosts["n1"])["vnc"]


def test_other_hosts_reach_ovn_with_their_certificate(hosts: Views) -> None:
    def process(host: str, name: str) -> tuple[str, ...]:
        return next(each.command for each in layout.processes(hosts[host]) if each.name == name)

    assert "--remote=db:OVN_Southbound,SB_Global,connections" in process("c1", "ovsdb")
    assert not [word for word in process("n1", "ovsdb") if "Southbound" in word or "key" in word]
    assert "--certificate=/etc/onestack/tls/host.pem" in process("n1", "ovn-controller")
    assert "--certificate=/etc/onestack/tls/host.pem" not in process("c1", "ovn-controller")
    assert 'external_ids:ovn-remote="ssl:192.0.2.11:6642"' in ovn.settings(hosts["n1"])
    assert 'external_ids:ovn-remote="unix:/run/ovn/ovnsb_db.sock"' in ovn.settings(hosts["c1"])
    assert ovn.access(hosts["c1"])[-2:] == ["role=ovn-controller", "pssl:6642:192.0.2.11"]
    agent = read(layout.files(hosts["n1"])["neutron/ml2_conf.ini"])["ovn"]
    assert agent["ovn_sb_connection"] == "ssl:192.0.2.11:6642"
    assert agent["ovn_sb_private_key"] == "/etc/onestack/tls/host.key"
    assert "ovn_nb_connection" not in agent


def test_only_the_gateway_joins_the_external_network(hosts: Views) -> None:
    assert {name: ovn.EXTERNAL_NETWORK in map(_name, layout.steps(view)) for name, view in hosts.items()} == {
        "c1": True,
        "n1": False,
        "n2": False,
    }
    words = ovn.settings(hosts["n1"])
    assert not [word for word in words if word.startswith("external_ids:ovn-cms-options=")]
    assert shlex.join(words).endswith("-- remove Open_vSwitch . external_ids ovn-cms-options")
    for view in hosts.values():
        ml2 = read(layout.files(view)["neutron/ml2_conf.ini"])
        assert ml2["ovn"]["enable_distributed_floating_ip"] == "false"


def _name(one: object) -> str:
    return str(getattr(one, "name"))  # noqa: B009


def test_floating_ips_are_distributed_where_every_host_has_a_nic_in_the_external_network() -> None:
    every = frozenset({"control", "network", "compute"})
    for interface, expected in (("eth2", True), (None, False)):
        view = views({"c1": every, "n1": frozenset({"network", "compute"})})["c1"]
        outer = replace(view.cloud.external, interface=interface)
        assert ovn.reached_everywhere(replace(view, cloud=replace(view.cloud, external=outer))) is expected


def routed(roles: Mapping[str, frozenset[str]]) -> Views:
    """A cloud whose external network has a router of its own; n1 has another name for its NIC."""
    found = {}
    for name, view in views(roles).items():
        outer = replace(view.cloud.external, interface="eth1", routed_outside=True)
        here = replace(view.here, external="eth2") if name == "n1" else view.here
        found[name] = replace(view, cloud=replace(view.cloud, external=outer), here=here)
    return found


NETWORK = {
    "c1": frozenset({"control", "network"}),
    "n1": frozenset({"network", "compute"}),
    "n2": frozenset({"compute"}),
}


def test_with_a_router_outside_each_network_host_can_have_gateways() -> None:
    every = routed(NETWORK)
    assert [ovn.gateway_host(view) for view in every.values()] == [None] * 3
    for name, joins in (("c1", True), ("n1", True), ("n2", False)):
        words = ovn.settings(every[name])
        assert ('external_ids:ovn-cms-options="enable-chassis-as-gw"' in words) is joins
        assert ('external_ids:ovn-bridge-mappings="public:br-ex"' in words) is joins
        steps = [*map(_name, layout.steps(every[name]))]
        assert (ovn.EXTERNAL_NETWORK in steps) is joins
    for view, everywhere in ((every["c1"], False), (routed({**NETWORK, "n2": NETWORK["n1"]})["c1"], True)):
        ml2 = read(layout.files(view)["neutron/ml2_conf.ini"])
        assert ml2["ovn"]["enable_distributed_floating_ip"] == str(everywhere).lower()


@pytest.mark.parametrize(("name", "nic"), [("c1", "eth1"), ("n1", "eth2")])
def test_with_a_router_outside_a_host_has_a_nic_in_the_bridge_and_no_address(
    name: str, nic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []
    node = SimpleNamespace(inside=ran.append, enter=lambda argv: argv)
    site = SimpleNamespace(view_of=lambda node: routed(NETWORK)[name])
    monkeypatch.setattr(ovn, "run", ran.append)
    monkeypatch.setattr(ovn.network, "leave", lambda enter: ran.append(["leave"]))
    ovn.join_external(cast("Site", site), cast("Node", node), silent)
    said = [shlex.join(argv) for argv in ran]
    assert said[0].endswith("--if-exists del-port onestack-brex") and said[1] == "leave"
    assert said[2].endswith(f"fail_mode=standalone -- --may-exist add-port br-ex {nic}")
    assert said[3:] == [f"ip link set {nic} up"]


def test_several_hosts_notice_a_lost_gateway_soon(hosts: Views) -> None:
    found = read(layout.files(hosts["c1"])["neutron/ml2_conf.ini"])["ovn"]
    assert found["ha_failover_strategy"] == "manual"
    assert [found[f"bfd_{each}"] for each in ("min_rx", "min_tx", "mult")] == ["500", "100", "3"]
    alone = views({"c1": frozenset({"control", "network", "compute"})})["c1"]
    assert "bfd_mult" not in read(layout.files(alone)["neutron/ml2_conf.ini"])["ovn"]


def test_the_agent_asks_the_leader_for_metadata_with_tls(hosts: Views) -> None:
    other = read(layout.files(hosts["n1"])["neutron/neutron.conf"])["DEFAULT"]
    assert (other["nova_metadata_host"], other["nova_metadata_protocol"]) == ("192.0.2.11", "https")
    assert other["auth_ca_cert"] == "/etc/onestack/tls/ca.pem"
    own = read(layout.files(hosts["c1"])["neutron/neutron.conf"])["DEFAULT"]
    assert own["nova_metadata_host"] == "127.0.0.1" and "nova_metadata_protocol" not in own
    gateway = layout.files(hosts["c1"])["api-gateway/haproxy.cfg"]
    assert "bind 127.0.0.1:8775\n" in gateway
    assert (
        "bind 192.0.2.11:8775 ssl crt @host/here ca-file /etc/onestack/tls/ca.pem verify required\n"
        in gateway
    )


def test_one_host_has_none_of_it() -> None:
    view = with_its_secrets(views({"c1": views()["c1"].here.roles | {"storage"}})["c1"])
    assert not view.peers
    assert not {"rabbitmq", "epmd"} & {each.name for each in catalogue.processes(view)}
    text = "".join(layout.files(view).values()) + str(layout.processes(view)) + str(ovn.settings(view))
    for word in ("rabbit", "tls/host", "vencrypt", "pssl", "--listen", "qemu+tls", "crt-store"):
        assert word not in text, word
    assert not [name for name in catalogue.secret_names(CATALOGUE, [view.here]) if name.startswith("bus/")]
    assert layout.declarations(view) == catalogue.declarations(view)


@pytest.mark.parametrize(
    ("roles", "several", "found"),
    [
        (("control", "compute"), False, ()),
        (("control", "compute"), True, ("bus",)),
        (("compute",), True, ()),
    ],
)
def test_a_host_has_the_trees_of_its_roles(
    roles: tuple[str, ...], several: bool, found: tuple[str, ...]
) -> None:
    assert trees(Platform(), roles, several=several) == found  # type: ignore[arg-type]


def test_processes_run_in_trees_that_their_host_has(hosts: Views) -> None:
    for view in hosts.values():
        there = {"", *trees(Platform(), view.here.roles, several=True)}
        assert {each.tree for each in layout.processes(view)} <= there
        assert {each.ready.tree for each in layout.processes(view)} <= there
        assert {each.tree for each in folders.of(view)} <= there
    assert {each.name for each in layout.processes(hosts["c1"]) if each.tree} == {"epmd", "rabbitmq"}
