"""Whether security groups let a packet in. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable

from onestack.health.why.observations import Rule

_ICMP = {"IPv4": ("icmp", "1"), "IPv6": ("ipv6-icmp", "icmpv6", "58")}
_NUMBERS = {"6": "tcp", "17": "udp", "132": "sctp"}


def admit(
    rules: Iterable[Rule], protocol: str, port: int | None, source: str, groups: Collection[str]
) -> bool:
    """Whether one of the rules admits what comes from an address, at whose port the security groups `groups` are.

    `protocol`: tcp, udp, sctp or icmp. `port`: None for ICMP.
    """
    return any(_admits(rule, protocol, port, source, groups) for rule in rules)


def _admits(rule: Rule, protocol: str, port: int | None, source: str, groups: Collection[str]) -> bool:
    address = ipaddress.ip_address(source)
    if rule.ethertype != f"IPv{address.version}":
        return False
    own = rule.protocol.lower()
    if own and own != "any" and not _is(own, protocol, rule.ethertype):
        return False
    if port is not None and rule.low is not None and not rule.low <= port <= (rule.high or rule.low):
        return False
    if rule.group and rule.group not in groups:
        return False
    return not rule.prefix or address in ipaddress.ip_network(rule.prefix, strict=False)


def _is(own: str, protocol: str, ethertype: str) -> bool:
    return own in _ICMP[ethertype] if protocol == "icmp" else _NUMBERS.get(own, own) == protocol
