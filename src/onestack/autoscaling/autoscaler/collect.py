"""Collects the state of one group's members from Nova, Octavia, the load balancer and the members themselves."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from onestack.autoscaling import record
from onestack.autoscaling.autoscaler import probe
from onestack.autoscaling.autoscaler.probe import Check
from onestack.autoscaling.decision.roster import MemberState
from onestack.autoscaling.reading import Record
from onestack.observe.observation import Observation
from onestack.platform.site import Site
from onestack.workloads.openstack.rest import Rest

_TASK = "OS-EXT-STS:task_state"
MONITOR_SECONDS = 60.0
"""How long a pool's monitor and load balancer are cached."""


@dataclass
class Pool:
    """A group's pool: its load balancer, how members are checked, and the group's members in it."""

    id: str
    balancer: str
    check: Check
    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Members by address."""


@dataclass
class Times:
    """When each member's state began, in monotonic seconds: all that the autoscaler remembers of members.

    After a restart each existing member gets a new grace period, and a healthy one in the pool counts as serving.
    """

    serving: dict[str, float] = field(default_factory=dict)
    unhealthy: dict[str, tuple[str, float]] = field(default_factory=dict)
    leaving: dict[str, float] = field(default_factory=dict)

    def forget(self, but: set[str]) -> None:
        self.serving = {ident: since for ident, since in self.serving.items() if ident in but}
        self.unhealthy = {ident: since for ident, since in self.unhealthy.items() if ident in but}
        self.leaving = {ident: since for ident, since in self.leaving.items() if ident in but}

    def leaving_for(self, ident: str, since: str, now: float, longest: float) -> float:
        """Seconds for which a member has been leaving. Only its start is a wall-clock time, and it is bounded."""
        before = min(max(time.time() - float(since), 0.0), longest)
        return now - self.leaving.setdefault(ident, now - before)


class MemberCollector:
    """Collects the members of one group, cycle after cycle."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._pool: tuple[float, Pool] | None = None
        self.times = Times()
        self.fresh = True

    def pool(self, group: Record, balancing: Rest, now: float) -> Pool | None:
        """The pool with its present members; None for a group without one."""
        if group.pool is None:
            return None
        if self._pool is None or self._pool[1].id != group.pool or now - self._pool[0] > MONITOR_SECONDS:
            raw = balancing.get(f"/lbaas/pools/{group.pool}")["pool"]
            monitor = raw.get("healthmonitor_id")
            how = balancing.get(f"/lbaas/healthmonitors/{monitor}")["healthmonitor"] if monitor else None
            check = probe.check_of(how, int(group.placed["port"]))
            self._pool = (now, Pool(group.pool, raw["loadbalancers"][0]["id"], check))
        found = self._pool[1]
        listed = balancing.all(f"/lbaas/pools/{found.id}/members", "members")
        tag = f"{record.TAG}:{group.id}"
        found.members = {each["address"]: each for each in listed if tag in (each.get("tags") or ())}
        return found

    def states(
        self,
        group: Record,
        servers: Sequence[Mapping[str, Any]],
        pool: Pool | None,
        observed: Observation,
        now: float,
    ) -> list[MemberState]:
        """The states of all members. `servers`: the project's servers, as Nova lists them."""
        mine = [
            raw
            for raw in servers
            if raw["metadata"].get(record.GROUP) == group.id and raw.get(_TASK) != "deleting"
        ]
        healthy = self._healthy(mine, pool, observed)
        found = [self._state(group, raw, pool, observed, healthy.get(raw["id"]), now) for raw in mine]
        self.times.forget({raw["id"] for raw in mine})
        self.fresh = False
        return found

    def _healthy(
        self, servers: Sequence[Mapping[str, Any]], pool: Pool | None, observed: Observation
    ) -> dict[str, bool | None]:
        """Whether each member answers health checks; None if unknown."""
        if pool is None:
            return {raw["id"]: raw["status"] == "ACTIVE" or None for raw in servers}
        found: dict[str, bool | None] = {}
        ask: dict[str, str] = {}
        for raw in servers:
            if raw["status"] != "ACTIVE" or not (address := address_of(raw)):
                continue
            pool_member = pool.members.get(address)
            rates = observed.members.get((pool.id, pool_member["id"])) if pool_member else None
            if rates is not None and rates.up is not None:
                found[raw["id"]] = rates.up
            else:
                ask[address] = raw["id"]
        if ask and (handle := probe.namespace_of(self._site, pool.balancer)):
            for address, answered in probe.answers(handle, pool.check, list(ask)).items():
                found[ask[address]] = answered
        return found

    def _state(
        self,
        group: Record,
        raw: Mapping[str, Any],
        pool: Pool | None,
        observed: Observation,
        healthy: bool | None,
        now: float,
    ) -> MemberState:
        ident, metadata, status = str(raw["id"]), raw["metadata"], str(raw["status"])
        address = address_of(raw)
        pool_member = pool.members.get(address) if pool and address else None
        rates = observed.members.get((pool.id, pool_member["id"])) if pool and pool_member else None
        weight = int(pool_member["weight"]) if pool_member else 0
        warm, leaving = record.WARM in metadata, metadata.get(record.GOES)
        in_service = status == "ACTIVE" and not warm and leaving is None and healthy is True
        in_service = in_service and (pool is None or (pool_member is not None and weight > 0))
        if in_service:
            # A member that served before this autoscaler started has had its warm-up and grace period.
            proven = group.settings.warm_up + group.settings.health.grace
            since = now - proven if self.fresh else now
            self.times.serving.setdefault(ident, since)
        if healthy:
            self.times.unhealthy.pop(ident, None)
        else:
            before = self.times.unhealthy.get(ident)
            if before is None or before[0] != status:
                self.times.unhealthy[ident] = (status, now)
        serving = self.times.serving.get(ident)
        fault = raw.get("fault") or {}
        return MemberState(
            id=ident,
            name=str(raw["name"]),
            status=status,
            digest=str(metadata.get(record.DIGEST)),
            age=max(0.0, time.time() - _seconds(raw["created"])),
            zone=str(raw.get("OS-EXT-AZ:availability_zone") or ""),
            host=str(raw.get("hostId") or ""),
            warm=warm,
            address=address,
            pool_member=str(pool_member["id"]) if pool_member else None,
            weight=weight,
            healthy=healthy,
            unhealthy_for=now - self.times.unhealthy[ident][1] if ident in self.times.unhealthy else 0.0,
            serving_for=None if serving is None else now - serving,
            leaving_for=None
            if leaving is None
            else self.times.leaving_for(ident, leaving, now, group.settings.scale_in.drain),
            connections=rates.connections if rates else None,
            protected=bool(set(raw.get("tags") or ()) & set(group.settings.scale_in.protect)),
            why=str(fault.get("message") or ""),
        )


def address_of(server: Mapping[str, Any]) -> str:
    """Its first fixed address."""
    for network in server.get("addresses", {}).values():
        for each in network:
            if each.get("OS-EXT-IPS:type", "fixed") == "fixed":
                return str(each["addr"])
    return ""


def _seconds(time_: str) -> float:
    return datetime.fromisoformat(time_.replace("Z", "+00:00")).timestamp()
