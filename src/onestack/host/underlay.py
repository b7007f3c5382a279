"""The underlay's NIC, on OVS's userspace datapath: it becomes a port of an OVS bridge, and its addresses and routes
move to the bridge's interface. Its former configuration is saved, and restored by `down`.

On the userspace datapath tunnels end in OVS, which reaches other hosts only through its own bridges. On the kernel's
datapath tunnels use the host's addresses, and nothing needs to be moved.

Existing connections survive: one `ip -batch` moves everything in a moment, and the bridge has the NIC's MAC address.
The bridge's interface is a persistent TAP device: it keeps addresses and routes while ovs-vswitchd is stopped, but
then carries no packets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from onestack.core.errors import PermanentError
from onestack.core.paths import Paths
from onestack.host.command import run
from onestack.host.files import replace_private

BRIDGE = "onestack-phys"
BOOT = Path("/proc/sys/kernel/random/boot_id")
BATCH = ("env", "--ignore-signal=TERM", "ip", "-batch", "-")
"""Moves addresses and routes, and comes to its end whatever happens to its caller: half way the host has no address,
and an agent whose connection is cut ends what it has started."""
_EVERYTHING = {"inet": "0.0.0.0/0", "inet6": "::/0"}


@dataclass(frozen=True)
class Before:
    """A NIC's former configuration. `addresses`: with prefix length. `routes`: as arguments of `ip route`, without
    the interface.

    `boot`: the boot in which it was read. After another boot the machine has configured the NIC by itself.
    """

    nic: str
    mac: str
    mtu: int
    addresses: tuple[str, ...]
    routes: tuple[tuple[str, ...], ...]
    boot: str = ""


def record(paths: Paths) -> Path:
    """The file with the NIC's former configuration."""
    return paths.lib / "underlay.json"


def read(paths: Paths) -> Before | None:
    """The NIC's former configuration; None if it was not moved."""
    file = record(paths)
    if not file.exists():
        return None
    kept = json.loads(file.read_text())
    return Before(
        **{
            **kept,
            "addresses": tuple(kept["addresses"]),
            "routes": tuple(tuple(words) for words in kept["routes"]),
        }
    )


def write(paths: Paths, before: Before) -> None:
    """Save the NIC's configuration."""
    replace_private(record(paths), json.dumps(asdict(before), indent=1))


def holder(links: Sequence[Mapping[str, Any]], address: str) -> str | None:
    """The name of the interface that has an address; `links`: as `ip -json address show` lists them."""
    for link in links:
        if any(each.get("local") == address for each in link.get("addr_info", ())):
            return str(link["ifname"])
    return None


def observed(link: Mapping[str, Any], routes: Mapping[str, Sequence[Mapping[str, Any]]], boot: str) -> Before:
    """A NIC's configuration. `routes`: of that NIC, by address family, as `ip -json route show` lists them.

    Omitted are link-local addresses and routes to an address's own network, which the kernel creates, and routes from
    router advertisements, which are repeated.
    """
    addresses = [
        f"{each['local']}/{each['prefixlen']}"
        for each in link.get("addr_info", ())
        if each.get("scope") == "global" and not each.get("mngtmpaddr")
    ]
    words = [
        _words(route, family)
        for family, found in routes.items()
        for route in found
        if route.get("protocol") not in ("kernel", "ra") and not str(route["dst"]).startswith("fe80:")
    ]
    # Routes to gateways come before routes through them.
    ordered = sorted(words, key=lambda each: "via" in each)
    return Before(
        str(link["ifname"]), str(link["address"]), int(link["mtu"]), tuple(addresses), tuple(ordered), boot
    )


def _words(route: Mapping[str, Any], family: str) -> tuple[str, ...]:
    everything = _EVERYTHING[family]
    words = [everything if route["dst"] == "default" else str(route["dst"])]
    for name, key in (("via", "gateway"), ("proto", "protocol"), ("metric", "metric"), ("src", "prefsrc")):
        if key in route:
            words += [name, str(route[key])]
    if route.get("scope") == "link":
        words += ["scope", "link"]
    if "onlink" in route.get("flags", ()):
        words.append("onlink")
    return tuple(words)


def moved(before: Before, source: str, target: str) -> str:
    """The input of `ip -batch` that moves addresses and routes from `source` to `target`."""
    lines = [
        f"link set dev {target} mtu {before.mtu} up",
        f"address flush dev {source} scope global",
        *(f"address replace {address} dev {target}" for address in before.addresses),
        *(f"route replace {' '.join((*words[:1], 'dev', target, *words[1:]))}" for words in before.routes),
    ]
    return "\n".join(lines) + "\n"


def collect(enter: Sequence[str], address: str, wanted: str | None, boot: Path = BOOT) -> Before:
    """The configuration of the NIC with `address`. `enter`: the beginning of a command line that enters the cloud's
    namespace.

    Raises PermanentError if no interface has the address, or another one than `wanted`.
    """
    links = json.loads(run([*enter, "ip", "-json", "address", "show"]))
    nic = holder(links, address)
    if nic is None or (wanted and nic not in (wanted, BRIDGE)):
        raise PermanentError(
            f"{address} is {'on no interface' if nic is None else f'on {nic}'} of this host",
            hint=f"`address` in `hosts` is the address of {wanted or 'the NIC that leads to the other hosts'}",
        )
    routes = {
        family: json.loads(
            run([*enter, "ip", "-json", "-family", family, "route", "show", "dev", nic]) or "[]"
        )
        for family in _EVERYTHING
    }
    link = next(each for each in links if each["ifname"] == nic)
    return observed(link, routes, boot.read_text().strip())


def restore(paths: Paths, enter: Sequence[str] = (), boot: Path = BOOT) -> str | None:
    """Restore the NIC's configuration; returns its name, or None if it was not moved. Idempotent.

    Call it while ovs-vswitchd still runs: without it the bridge carries no packets.
    """
    before = read(paths)
    if before is None:
        return None
    links = json.loads(run([*enter, "ip", "-json", "address", "show"]))
    names = {each["ifname"] for each in links}
    still = any(each["ifname"] == BRIDGE and each.get("addr_info") for each in links)
    if before.boot == boot.read_text().strip() and before.nic in names and still:
        run([*enter, *BATCH], text_in=moved(before, BRIDGE, before.nic))
    record(paths).unlink()
    return before.nic
