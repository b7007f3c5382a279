"""Computes operating statuses from a HAProxy's statistics, as Octavia's health manager does. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, str]
Statuses = dict[str, dict[str, str]]
"""Kind -> id -> operating status."""

_MEMBER = {"UP": "ONLINE", "DOWN": "ERROR", "DRAIN": "DRAINING", "MAINT": "OFFLINE", "no check": "NO_MONITOR"}
_WORSE = ("ONLINE", "DEGRADED", "ERROR")


@dataclass
class Shape:
    """The structure of a balancer. `listeners`: id -> enabled; `pools`: id -> ids of members; `known`: the statuses
    that were reported last."""

    enabled: bool = True
    serving: bool = True
    """Whether the balancer has a HAProxy: it has none while there is nothing to serve."""
    listeners: dict[str, bool] = field(default_factory=dict)
    pools: dict[str, list[str]] = field(default_factory=dict)
    known: Statuses = field(default_factory=dict)


def shape(lb: Any, serving: bool) -> Shape:
    """The shape of a balancer, from Octavia's data model."""
    return Shape(
        lb.enabled,
        serving,
        {each.id: each.enabled for each in lb.listeners},
        {each.id: [member.id for member in each.members] for each in lb.pools},
        {
            "loadbalancers": {lb.id: lb.operating_status},
            "listeners": {each.id: each.operating_status for each in lb.listeners},
            "pools": {each.id: each.operating_status for each in lb.pools},
            "members": {m.id: m.operating_status for each in lb.pools for m in each.members},
        },
    )


def member(row: Row) -> str:
    """A member's operating status."""
    status = row["status"]
    # A server of weight 0 gets no new sessions, but HAProxy reports DRAIN only for the state of that name.
    if row.get("weight") == "0" and status.startswith(("UP", "no check")):
        return "DRAINING"
    return next((ours for theirs, ours in _MEMBER.items() if status.startswith(theirs)), "ERROR")


def statuses(balancer: str, of: Shape, rows: Iterable[Row]) -> Statuses:
    """The operating status of each object. `rows`: HAProxy's `show stat`."""
    backends: dict[str, str] = {}
    servers: dict[str, dict[str, str]] = {}
    frontends: dict[str, str] = {}
    for row in rows:
        name, _, _ = row["pxname"].partition(":")
        if row["svname"] == "FRONTEND":
            frontends[name] = row["status"]
        elif row["svname"] == "BACKEND":
            backends.setdefault(name, row["status"])
        else:
            servers.setdefault(name, {})[row["svname"]] = member(row)
    overall = "ONLINE"
    result: Statuses = {"listeners": {}, "pools": {}, "members": {}, "loadbalancers": {}}
    for listener, enabled in of.listeners.items():
        status = _listener(frontends.get(listener), enabled and of.enabled)
        result["listeners"][listener] = status
        if enabled and of.enabled:
            overall = max(overall, "DEGRADED" if status == "DEGRADED" else overall, key=_WORSE.index)
    for pool, members in of.pools.items():
        if pool not in backends:
            result["pools"][pool] = "OFFLINE"
            continue
        by_member = servers.get(pool, {})
        for each in members:
            result["members"][each] = by_member.get(each, "OFFLINE")
        status = _pool(backends[pool], [result["members"][each] for each in members])
        result["pools"][pool] = status
        overall = max(overall, status, key=_WORSE.index)
    result["loadbalancers"][balancer] = overall if of.enabled else "OFFLINE"
    return result


def _listener(status: str | None, enabled: bool) -> str:
    if not enabled:
        return "OFFLINE"
    if status is None:
        return "ERROR"
    return {"OPEN": "ONLINE", "FULL": "DEGRADED"}.get(status, "ERROR")


def _pool(backend: str, members: list[str]) -> str:
    if backend.startswith("DOWN"):
        return "ERROR"
    return "DEGRADED" if "ERROR" in members else "ONLINE"


def changes(before: Statuses, now: Statuses) -> dict[str, list[dict[str, str]]]:
    """The update to report: only statuses that changed."""
    result = {}
    for kind, each in now.items():
        changed = [
            {"id": id, "operating_status": status}
            for id, status in each.items()
            if before.get(kind, {}).get(id) != status
        ]
        if changed:
            result[kind] = changed
    return result
