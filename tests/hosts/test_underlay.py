"""The NIC under the tunnels: what it has is moved to a bridge at once, and all of it is given back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hosts.conftest import Views, views
from onestack.core.paths import Paths
from onestack.host import underlay
from onestack.host.underlay import Before, holder, moved, observed
from onestack.platform import layout
from onestack.platform import underlay as step
from services.views import with_here

LINK: dict[str, Any] = {
    "ifname": "eth1",
    "address": "52:54:00:00:00:01",
    "mtu": 9000,
    "addr_info": [
        {"family": "inet", "local": "192.0.2.11", "prefixlen": 24, "scope": "global"},
        {"family": "inet", "local": "192.0.2.111", "prefixlen": 24, "scope": "global", "secondary": True},
        {"family": "inet6", "local": "2001:db8::11", "prefixlen": 64, "scope": "global"},
        {"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link"},
    ],
}
ROUTES: dict[str, list[dict[str, Any]]] = {
    "inet": [
        {"dst": "default", "gateway": "192.0.2.1", "protocol": "static", "metric": 100, "flags": []},
        {"dst": "192.0.2.0/24", "protocol": "kernel", "scope": "link", "prefsrc": "192.0.2.11", "flags": []},
        {"dst": "203.0.113.1", "scope": "link", "flags": []},
        {"dst": "198.51.100.0/24", "gateway": "203.0.113.1", "prefsrc": "192.0.2.11", "flags": ["onlink"]},
    ],
    "inet6": [
        {"dst": "fe80::/64", "protocol": "kernel", "metric": 256, "flags": []},
        {"dst": "default", "gateway": "fe80::9", "protocol": "ra", "flags": []},
        {"dst": "default", "gateway": "2001:db8::1", "metric": 1024, "flags": []},
    ],
}


def test_what_the_kernel_makes_by_itself_is_not_moved() -> None:
    found = observed(LINK, ROUTES, "boot-1")
    assert found.addresses == ("192.0.2.11/24", "192.0.2.111/24", "2001:db8::11/64")
    assert found.routes == (
        ("203.0.113.1", "scope", "link"),
        ("0.0.0.0/0", "via", "192.0.2.1", "proto", "static", "metric", "100"),
        ("198.51.100.0/24", "via", "203.0.113.1", "src", "192.0.2.11", "onlink"),
        ("::/0", "via", "2001:db8::1", "metric", "1024"),
    )


def test_addresses_come_before_routes_and_gateways_are_reachable_first() -> None:
    lines = moved(observed(LINK, ROUTES, "boot-1"), "eth1", "onestack-phys").splitlines()
    assert lines[:3] == [
        "link set dev onestack-phys mtu 9000 up",
        "address flush dev eth1 scope global",
        "address replace 192.0.2.11/24 dev onestack-phys",
    ]
    assert lines[5:7] == [
        "route replace 203.0.113.1 dev onestack-phys scope link",
        "route replace 0.0.0.0/0 dev onestack-phys via 192.0.2.1 proto static metric 100",
    ]


def test_the_nic_is_the_one_with_the_hosts_address() -> None:
    assert holder([{"ifname": "lo"}, LINK], "192.0.2.11") == "eth1"
    assert holder([LINK], "192.0.2.12") is None


def test_what_it_had_is_kept_as_it_was(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path)
    paths.lib.mkdir(parents=True)
    before = observed(LINK, ROUTES, "boot-1")
    underlay.write(paths, before)
    assert underlay.read(paths) == before


def test_nothing_is_given_back_where_nothing_was_moved(tmp_path: Path) -> None:
    assert underlay.restore(Paths(tmp_path, tmp_path)) is None


@pytest.mark.parametrize(("bridge", "boot"), [([], "boot-1"), ([{"local": "192.0.2.11"}], "boot-2")])
def test_after_another_boot_the_nic_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bridge: list[dict[str, str]], boot: str
) -> None:
    paths, now = Paths(tmp_path, tmp_path), tmp_path / "boot"
    paths.lib.mkdir(parents=True)
    now.write_text(f"{boot}\n")
    underlay.write(paths, Before("eth1", "52:54:00:00:00:01", 1500, (), (), "boot-1"))
    asked: list[list[str]] = []

    def run(argv: list[str], **more: object) -> str:
        asked.append(argv)
        return f'[{{"ifname": "eth1"}}, {{"ifname": "onestack-phys", "addr_info": {list(bridge)}}}]'.replace(
            "'", '"'
        )

    monkeypatch.setattr(underlay, "run", run)
    assert underlay.restore(paths, boot=now) == "eth1"
    assert asked == [["ip", "-json", "address", "show"]]
    assert underlay.read(paths) is None


def test_only_the_userspace_datapath_of_several_hosts_needs_it(hosts: Views) -> None:
    view = hosts["n1"]
    assert step.STEP not in {each.name for each in layout.steps(view)}
    userspace = with_here(view, datapath="netdev")
    assert step.STEP in {each.name for each in layout.steps(userspace)}
    controller = next(each for each in layout.processes(userspace) if each.name == "ovn-controller")
    assert step.STEP in {need.name for need in controller.needs}
    alone = with_here(views({"c1": view.here.roles | {"control", "network"}})["c1"], datapath="netdev")
    assert not step.needed(alone)


def test_the_bridge_has_the_nics_address_in_the_network_and_its_size() -> None:
    words = step.bridge(observed(LINK, ROUTES, "boot-1"), ("ovs-vsctl",))
    assert 'other_config:hwaddr="52:54:00:00:00:01"' in words
    assert "mtu_request=9000" in words
    assert words[-3:] == ["add-port", "onestack-phys", "eth1"]


def test_a_host_that_is_alone_again_gets_its_nic_back_before_the_bridge_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[object] = []

    class Alone:
        paths = Paths(tmp_path, tmp_path)

        def enter(self, argv: list[str]) -> list[str]:
            return ["enter", *argv]

        def inside(self, argv: list[str]) -> None:
            done.append(argv)

    monkeypatch.setattr(underlay, "restore", lambda paths, enter: done.append(enter))
    step.leave(Alone(), ("ovs-vsctl",))  # type: ignore[arg-type]
    assert done == [["enter"], ["ovs-vsctl", "--no-wait", "--if-exists", "del-br", "onestack-phys"]]
