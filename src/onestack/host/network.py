"""The machine's interface in the external network: a veth pair, whose other end is plugged into the external bridge.

It is a veth pair because an OVS internal port disappears, with its address, when ovs-vswitchd restarts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from onestack.core.paths import Paths
from onestack.host.command import run, succeeds

HERE = "onestack-ext"
"""The machine's end; it has the external network's gateway address."""
PLUGGED = "onestack-brex"
"""The end that is plugged into the external bridge."""


def commands(address: str, prefix: int, mtu: int) -> list[list[str]]:
    """The commands that create the pair and set the machine's address. Idempotent."""
    return [
        ["ip", "address", "replace", f"{address}/{prefix}", "dev", HERE],
        *(["ip", "link", "set", name, "mtu", str(mtu), "up"] for name in (HERE, PLUGGED)),
        # OVS's userspace datapath needs complete checksums, as on the wire: no checksum offload.
        *(["ethtool", "-K", name, "tx", "off"] for name in (HERE, PLUGGED)),
    ]


def join(address: str, prefix: int, mtu: int, enter: list[str]) -> None:
    """Connect the machine to the external network. `enter` prefixes commands that run in the cloud's namespace."""
    if not succeeds([*enter, "ip", "link", "show", "dev", HERE]):
        run([*enter, "ip", "link", "add", HERE, "type", "veth", "peer", "name", PLUGGED])
    for argv in commands(address, prefix, mtu):
        run([*enter, *argv])


def leave(enter: list[str]) -> None:
    """Undo `join`; harmless where it was never done."""
    if HERE in interfaces(enter):
        run([*enter, "ip", "link", "delete", HERE])


def delete(names: list[str]) -> None:
    """Delete those of the interfaces that exist."""
    for name in names:
        if Path(f"/sys/class/net/{name}").exists():
            run(["ip", "link", "delete", name])


def drop_address(address: str, enter: Sequence[str] = (), keep: str = "") -> None:
    """Remove an address from whichever interface has it, but `keep`; harmless where none does."""
    for link in json.loads(run([*enter, "ip", "-json", "address", "show"])):
        for each in link.get("addr_info", ()):
            if each.get("local") == address and link["ifname"] != keep:
                given = f"{address}/{each['prefixlen']}"
                run([*enter, "ip", "address", "delete", given, "dev", link["ifname"]])


def interfaces(enter: list[str] | None = None) -> list[str]:
    """The names of the interfaces of a network namespace."""
    return [each["ifname"] for each in json.loads(run([*(enter or []), "ip", "-json", "link", "show"]))]


def shared_with_machine(paths: Paths) -> bool:
    """Whether a cloud uses the machine's own network, and not a network namespace of its own."""
    return not (paths.run / "ns/net").exists()
