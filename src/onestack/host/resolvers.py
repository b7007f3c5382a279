"""Finds this machine's DNS servers that guests can use, too: the default of subnets that name none.

A guest would take a loopback address (systemd-resolved's stub, a local dnsmasq) for itself. Programs that put a
loopback address into /etc/resolv.conf write their upstream servers to a file of their own.
"""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address
from pathlib import Path

RESOLV_CONF = "etc/resolv.conf"
BEHIND_STUBS = ("run/systemd/resolve/resolv.conf", "run/NetworkManager/no-stub-resolv.conf")
"""The files in which systemd-resolved and NetworkManager list the servers behind their stub resolvers."""


def servers(root: Path = Path("/")) -> tuple[str, ...]:
    """The IPv4 addresses of DNS servers except loopback addresses, in order; may be empty.

    Without IPv6: the external network has none, so guests would not reach such servers.
    """
    for file in (RESOLV_CONF, *BEHIND_STUBS):
        if found := _usable(named(root / file)):
            return found
    return ()


def named(file: Path) -> tuple[str, ...]:
    """The servers in a resolv.conf, usable or not."""
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return ()
    return tuple(
        words[1] for line in lines if (words := line.split())[:1] == ["nameserver"] and len(words) > 1
    )


def _usable(addresses: tuple[str, ...]) -> tuple[str, ...]:
    found = []
    for text in addresses:
        try:
            address = ip_address(text)
        except ValueError:
            continue
        if isinstance(address, IPv4Address) and not (address.is_loopback or address.is_unspecified):
            found.append(str(address))
    return tuple(dict.fromkeys(found))
