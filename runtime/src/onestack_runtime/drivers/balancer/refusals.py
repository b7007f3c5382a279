"""What this provider cannot do, in words for the tenant. Pure; on octavia-lib's data models or the like.

An option that octavia-lib leaves unset is an object of its own, which is in none of the sets here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PROTOCOLS = ("TCP", "HTTP", "HTTPS", "TERMINATED_HTTPS", "PROMETHEUS")
_POOLS = ("TCP", "HTTP", "HTTPS", "PROXY", "PROXYV2")
_ALGORITHMS = ("ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP")
_MONITORS = ("TCP", "HTTP", "HTTPS", "PING", "TLS-HELLO")
_ALPN = ("h2", "http/1.1", "http/1.0")
_NOBODY = ("UDP", "SCTP")

FLAVOR = {"loadbalancer_topology": "SINGLE: a balancer is one HAProxy"}
ZONE = {"compute_zone": "nova: a balancer is on the one host there is"}
"""Options of flavors and availability zones: name -> description, which begins with the only value."""


def listener(each: Any) -> str | None:
    """Why a listener cannot be, or None."""
    return _protocol(each.protocol, _PROTOCOLS) or _alpn(each)


def pool(each: Any) -> str | None:
    """Why a pool cannot be, or None."""
    known = isinstance(each.lb_algorithm, str) and each.lb_algorithm not in _ALGORITHMS
    algorithm = f"the provider haproxy has no algorithm {each.lb_algorithm}" if known else None
    own = _protocol(getattr(each, "protocol", None), _POOLS)
    return own or algorithm or _alpn(each) or _inner(each)


def _inner(each: Any) -> str | None:
    """What a pool is created with in one call."""
    monitored = getattr(each, "healthmonitor", None)
    found = monitor(monitored) if hasattr(monitored, "type") else None
    members = getattr(each, "members", None)
    for one in members if isinstance(members, list) else []:
        found = found or member(one)
    return found


def member(each: Any) -> str | None:
    """Why a member cannot be, or None."""
    kind = getattr(each, "vnic_type", None)
    if isinstance(kind, str) and kind != "normal":
        return f"the provider haproxy has no {kind} network interfaces"
    return None


def monitor(each: Any) -> str | None:
    """Why a health monitor cannot be, or None."""
    kind = getattr(each, "type", None)
    if isinstance(kind, str) and kind not in _MONITORS:
        return f"the provider haproxy has no {kind} health monitor"
    return None


def policy(protocol: str | None) -> str | None:
    """Why a listener of this protocol can have no L7 policies, or None."""
    if protocol is None or protocol in ("HTTP", "TERMINATED_HTTPS"):
        return None
    return f"{protocol} listeners have no L7 policies"


def rule(each: Any) -> str | None:
    """Why an L7 rule cannot be, or None: what would read as more than one word of HAProxy's configuration."""
    for what in (each.key, each.value):
        if isinstance(what, str) and any(char in what for char in "\n\r\0"):
            return "an L7 rule's key and value are one line"
    return None


def flavor(metadata: Mapping[str, Any]) -> str | None:
    """Why a flavor cannot be, or None."""
    return _options("flavor", metadata, FLAVOR)


def zone(metadata: Mapping[str, Any]) -> str | None:
    """Why an availability zone cannot be, or None."""
    return _options("availability zone", metadata, ZONE)


def _options(of: str, metadata: Mapping[str, Any], known: Mapping[str, str]) -> str | None:
    if unknown := sorted(set(metadata) - set(known)):
        return f"the provider haproxy has no {of} options {', '.join(unknown)}"
    for name, value in metadata.items():
        only = known[name].partition(":")[0]
        if value != only:
            return f"the provider haproxy has {name} {only} only, not {value}"
    return None


def _protocol(protocol: Any, known: tuple[str, ...]) -> str | None:
    if not isinstance(protocol, str) or protocol in known:
        return None
    if protocol in _NOBODY:
        return f"HAProxy does not carry {protocol}; the provider ovn does"
    return f"the provider haproxy has no protocol {protocol}"


def _alpn(each: Any) -> str | None:
    chosen = getattr(each, "alpn_protocols", None)
    unknown = [name for name in chosen if name not in _ALPN] if isinstance(chosen, list) else []
    return f"the provider haproxy has no ALPN protocol {', '.join(unknown)}" if unknown else None
