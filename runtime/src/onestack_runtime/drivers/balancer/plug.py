"""Plugs a balancer into the tenant's network: a network namespace, a veth pair, a port of br-int.

The outer end carries the VIP port's id, so OVN treats it like a server's tap interface: addresses, security groups,
floating IPs. It is a veth pair because an OVS internal port disappears when ovs-vswitchd restarts.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from onestack_runtime import contract
from onestack_runtime.drivers.balancer.places import NAMESPACES, PREFIX, Place
from onestack_runtime.serving.commands import Failed, run

INSIDE = "eth0"
_OVS = ("ovs-vsctl", f"--db=unix:{contract.OVSDB_SOCKET}", "--timeout=20")


@dataclass(frozen=True)
class Interface:
    """The balancer's network interface. `addresses`: with prefix length; `gateways`: at most one for each IP version;
    `routes`: destination and next hop."""

    port: str
    mac: str
    mtu: int
    addresses: tuple[str, ...]
    gateways: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()


def inside(place: Place, *argv: str) -> list[str]:
    """The command line that runs `argv` in the balancer's network namespace."""
    return ["nsenter", f"--net={place.namespace}", "--", *argv]


def veth_commands(place: Place, interface: Interface) -> list[list[str]]:
    """The commands that create the veth pair; the namespace exists."""
    mtu = str(interface.mtu)
    pair = ["ip", "link", "add", place.name, "mtu", mtu, "type", "veth", "peer", "name", INSIDE]
    return [
        [*pair, "address", interface.mac, "mtu", mtu, "netns", place.name],
        # OVS's userspace datapath needs complete checksums, as on the wire: no checksum offload.
        ["ethtool", "-K", place.name, "tx", "off"],
        inside(place, "ethtool", "-K", INSIDE, "tx", "off"),
        ["ip", "link", "set", place.name, "up"],
        inside(place, "ip", "link", "set", "lo", "up"),
    ]


def address_commands(place: Place, interface: Interface) -> list[list[str]]:
    """The commands that set the inner end's addresses and routes. Idempotent."""
    commands = [inside(place, "ip", "link", "set", INSIDE, "mtu", str(interface.mtu), "up")]
    for address in interface.addresses:
        words = ["ip", "address", "replace", address, "dev", INSIDE]
        if ":" in address:
            words.append("nodad")
        commands.append(inside(place, *words))
    for gateway in interface.gateways:
        commands.append(inside(place, *_route("default", gateway)))
    for destination, hop in interface.routes:
        commands.append(inside(place, *_route(destination, hop)))
    return commands


def _route(destination: str, hop: str) -> list[str]:
    family = "-6" if ipaddress.ip_address(hop).version == 6 else "-4"
    return ["ip", family, "route", "replace", destination, "via", hop, "dev", INSIDE, "onlink"]


def add_port_command(place: Place, interface: Interface) -> list[str]:
    """The command that plugs the outer end into the integration bridge."""
    return [
        *_OVS,
        *(
            "--may-exist",
            "add-port",
            contract.INTEGRATION_BRIDGE,
            place.name,
            "--",
            "set",
            "Interface",
            place.name,
        ),
        f"external_ids:iface-id={interface.port}",
        f'external_ids:attached-mac="{interface.mac}"',
        "external_ids:iface-status=active",
        "external_ids:onestack=balancer",
    ]


def delete_ports_command(names: Iterable[str]) -> list[str]:
    """The command that deletes ports from the integration bridge."""
    words = [
        word
        for name in names
        for word in ("--", "--if-exists", "del-port", contract.INTEGRATION_BRIDGE, name)
    ]
    return [*_OVS, *words]


def is_plugged(place: Place) -> bool:
    """Whether both ends of the veth pair exist."""
    outer = (Path("/sys/class/net") / place.name).exists()
    return outer and place.namespace.exists() and _has_inner_end(place)


def _has_inner_end(place: Place) -> bool:
    try:
        run(inside(place, "ip", "link", "show", "dev", INSIDE))
    except Failed:
        return False
    return True


def plug(place: Place, interface: Interface) -> None:
    """Plug the balancer into its network. Idempotent. Raises Failed."""
    if not place.namespace.exists():
        run(["ip", "netns", "add", place.name])
    if not is_plugged(place):
        unlink(place)
        # A stale OVS port would refer to an interface that no longer exists.
        run(delete_ports_command([place.name]))
        for argv in veth_commands(place, interface):
            run(argv)
        _allow_ping(place)
    for argv in address_commands(place, interface):
        run(argv)
    run(add_port_command(place, interface))


def _allow_ping(place: Place) -> None:
    """Let every group send ICMP echo requests: PING monitors run as HAProxy's user, who may not open raw sockets."""
    run(inside(place, "sh", "-c", "echo '0 2147483647' > /proc/sys/net/ipv4/ping_group_range"))


def unlink(place: Place) -> None:
    """Delete the outer end of the veth pair, and with it the inner one."""
    if (Path("/sys/class/net") / place.name).exists():
        run(["ip", "link", "delete", place.name])


def unplug(place: Place) -> None:
    """Remove the port, the interfaces and the namespace. Idempotent. Raises Failed."""
    run(delete_ports_command([place.name]))
    unlink(place)
    if place.namespace.exists():
        run(["ip", "netns", "delete", place.name])


def namespaces() -> list[str]:
    """The network namespaces of balancers."""
    if not NAMESPACES.is_dir():
        return []
    return sorted(each.name for each in NAMESPACES.iterdir() if each.name.startswith(PREFIX))


def switch_ports() -> dict[str, str]:
    """The balancers' interfaces in OVS: name -> the id of its Neutron port."""
    answer = run([*_OVS, "--format=json", "--columns=name,external_ids", "find", "Interface",
                  "external_ids:onestack=balancer"])  # fmt: skip
    return {name: dict(ids[1]).get("iface-id", "") for name, ids in json.loads(answer)["data"]}
