"""Refuses options that this provider does not support, with a message for the tenant. Pure.

octavia-lib's data models contain a special object for each option that is not set; it is in none of the tuples here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PROTOCOLS = ("TCP", "HTTP", "HTTPS", "TERMINATED_HTTPS", "PROMETHEUS")
_POOLS = ("TCP", "HTTP", "HTTPS", "PROXY", "PROXYV2")
_ALGORITHMS = ("ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP")
_MONITORS = ("TCP", "HTTP", "HTTPS", "PING", "TLS-HELLO")
_ALPN = ("h2", "http/1.1", "http/1.0")
_NOT_IN_HAPROXY = ("UDP", "SCTP")

FLAVOR = {"loadbalancer_topology": "SINGLE: a balancer is one HAProxy"}
ZONE = {"compute_zone": "nova: a balancer is on the one host there is"}
"""Options of flavors and availability zones: name -> description, which begins with the only allowed value."""


def listener(each: Any) -> str | None:
    """Why a listener is refused, or None."""
    return _protocol(each.protocol, _PROTOCOLS) or _alpn(each)


def pool(each: Any) -> str | None:
    """Why a pool is refused, or None."""
    unknown = isinstance(each.lb_algorithm, str) and each.lb_algorithm not in _ALGORITHMS
    algorithm = f"the provider haproxy has no algorithm {each.lb_algorithm}" if unknown else None
    own = _protocol(getattr(each, "protocol", None), _POOLS)
    return own or algorithm or _alpn(each) or _parts(each)


def _parts(pool: Any) -> str | None:
    """Why the monitor or a member is refused that is created together with the pool, or None."""
    healthmonitor = getattr(pool, "healthmonitor", None)
    reason = monitor(healthmonitor) if hasattr(healthmonitor, "type") else None
    members = getattr(pool, "members", None)
    for each in members if isinstance(members, list) else []:
        reason = reason or member(each)
    return reason


def member(each: Any) -> str | None:
    """Why a member is refused, or None."""
    kind = getattr(each, "vnic_type", None)
    if isinstance(kind, str) and kind != "normal":
        return f"the provider haproxy has no {kind} network interfaces"
    return None


def monitor(each: Any) -> str | None:
    """Why a health monitor is refused, or None."""
    kind = getattr(each, "type", None)
    if isinstance(kind, str) and kind not in _MONITORS:
        return f"the provider haproxy has no {kind} health monitor"
    return None


def policy(protocol: str | None) -> str | None:
    """Why a listener of this protocol cannot have L7 policies, or None."""
    if protocol is None or protocol in ("HTTP", "TERMINATED_HTTPS"):
        return None
    return f"{protocol} listeners have no L7 policies"


def rule(each: Any) -> str | None:
    """Why an L7 rule is refused, or None: a line break would inject lines into HAProxy's configuration."""
    for what in (each.key, each.value):
        if isinstance(what, str) and any(char in what for char in "\n\r\0"):
            return "an L7 rule's key and value are one line"
    return None


def flavor(metadata: Mapping[str, Any]) -> str | None:
    """Why a flavor is refused, or None."""
    return _options("flavor", metadata, FLAVOR)


def zone(metadata: Mapping[str, Any]) -> str | None:
    """Why an availability zone is refused, or None."""
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
    if protocol in _NOT_IN_HAPROXY:
        return f"HAProxy does not carry {protocol}; the provider ovn does"
    return f"the provider haproxy has no protocol {protocol}"


def _alpn(each: Any) -> str | None:
    chosen = getattr(each, "alpn_protocols", None)
    unknown = [name for name in chosen if name not in _ALPN] if isinstance(chosen, list) else []
    return f"the provider haproxy has no ALPN protocol {', '.join(unknown)}" if unknown else None
