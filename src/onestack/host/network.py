"""The machine's end of the external network: a veth pair, one end plugged into the external bridge.

A veth, not an OVS internal port: that is gone, with its address, whenever ovs-vswitchd restarts.
"""

from __future__ import annotations

import json
from pathlib import Path

from onestack.core.paths import Paths
from onestack.host.command import run, succeeds

HERE = "onestack-ext"
"""The machine's end; it has the external network's gateway address."""
PLUGGED = "onestack-brex"
"""The end in the external bridge."""


def commands(address: str, prefix: int, mtu: int) -> list[list[str]]:
    """Make the pair and give the machine its address; every command is harmless when it is so already."""
    return [
        ["ip", "address", "replace", f"{address}/{prefix}", "dev", HERE],
        *(["ip", "link", "set", name, "mtu", str(mtu), "up"] for name in (HERE, PLUGGED)),
        # The userspace datapath sees packets as they are on the wire: sums must be there.
        *(["ethtool", "-K", name, "tx", "off"] for name in (HERE, PLUGGED)),
    ]


def join(address: str, prefix: int, mtu: int, enter: list[str]) -> None:
    """Have the machine joined to the external network. `enter` leads into the cloud's namespace."""
    if not succeeds([*enter, "ip", "link", "show", "dev", HERE]):
        run([*enter, "ip", "link", "add", HERE, "type", "veth", "peer", "name", PLUGGED])
    for argv in commands(address, prefix, mtu):
        run([*enter, *argv])


def part(names: list[str]) -> None:
    """Remove interfaces, those that are there."""
    for name in names:
        if Path(f"/sys/class/net/{name}").exists():
            run(["ip", "link", "delete", name])


def interfaces(enter: list[str] | None = None) -> list[str]:
    """The names of the interfaces of a network namespace."""
    return [each["ifname"] for each in json.loads(run([*(enter or []), "ip", "-json", "link", "show"]))]


def shared_with_machine(paths: Paths) -> bool:
    """Whether a cloud uses the machine's own network, as opposed to a network namespace of its own."""
    return not (paths.run / "ns/net").exists()
