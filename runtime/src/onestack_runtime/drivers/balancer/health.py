"""Operating statuses, as Octavia's health manager draws them from what a HAProxy says. Pure."""

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
    """What health needs to know of a balancer. `listeners`: id -> enabled; `pools`: id -> ids of members;
    `known`: the statuses as last reported."""

    enabled: bool = True
    serving: bool = True
    """Whether there is a HAProxy."""
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
    # A server of weight 0 takes no new sessions; HAProxy reports DRAIN only when it was set.
    if row.get("weight") == "0" and status.startswith(("UP", "no check")):
        return "DRAINING"
    return next((ours for theirs, ours in _MEMBER.items() if status.startswith(theirs)), "ERROR")


def statuses(balancer: str, of: Shape, rows: Iterable[Row]) -> Statuses:
    """What every object's operating status is by now."""
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
    found: Statuses = {"listeners": {}, "pools": {}, "members": {}, "loadbalancers": {}}
    for listener, enabled in of.listeners.items():
        status = _listener(frontends.get(listener), enabled and of.enabled)
        found["listeners"][listener] = status
        if enabled and of.enabled:
            overall = max(overall, "DEGRADED" if status == "DEGRADED" else overall, key=_WORSE.index)
    for pool, members in of.pools.items():
        if pool not in backends:
            found["pools"][pool] = "OFFLINE"
            continue
        there = servers.get(pool, {})
        for each in members:
            found["members"][each] = there.get(each, "OFFLINE")
        status = _pool(backends[pool], [found["members"][each] for each in members])
        found["pools"][pool] = status
        overall = max(overall, status, key=_WORSE.index)
    found["loadbalancers"][balancer] = overall if of.enabled else "OFFLINE"
    return found


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
    """What to report: only what changed."""
    found = {}
    for kind, each in now.items():
        changed = [
            {"id": id, "operating_status": status}
            for id, status in each.items()
            if before.get(kind, {}).get(id) != status
        ]
        if changed:
            found[kind] = changed
    return found
