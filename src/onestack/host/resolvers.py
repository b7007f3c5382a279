"""This machine's DNS servers, as far as guests can ask them: what subnets hand out unless they name others.

A loopback address (systemd-resolved's stub, a dnsmasq of the machine's own) means the guest itself to a guest. The
programs that put one into /etc/resolv.conf keep the servers they ask themselves in a file of their own.
"""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address
from pathlib import Path

RESOLV_CONF = "etc/resolv.conf"
BEHIND_STUBS = ("run/systemd/resolve/resolv.conf", "run/NetworkManager/no-stub-resolv.conf")
"""Where systemd-resolved and NetworkManager name the servers behind their stub."""


def servers(root: Path = Path("/")) -> tuple[str, ...]:
    """The IPv4 addresses of DNS servers that are no loopback addresses, in order; empty when there are none.

    Without IPv6: the external network has none, so that guests would not reach them.
    """
    for file in (RESOLV_CONF, *BEHIND_STUBS):
        if found := _usable(named(root / file)):
            return found
    return ()


def named(file: Path) -> tuple[str, ...]:
    """The servers that a resolv.conf names, usable or not."""
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
