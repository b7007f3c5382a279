"""Pools of a load balancer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from onestack.language.types import example
from onestack.language.words import Named
from onestack.workloads.kind.balancer_part import EXAMPLE, BalancerPart, Protocol
from onestack.workloads.kind.base import Limit
from onestack.workloads.kind.existing import Existing, without_none
from onestack.workloads.kind.scope import Scope
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.resources.health_monitor import Monitor
from onestack.workloads.resources.member import Member


class Pool(Named):
    """Members among which requests are distributed."""

    model_config = example(EXAMPLE)

    protocol: Protocol = "HTTP"
    """The protocol of members."""
    algorithm: Literal["ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP"] = "ROUND_ROBIN"
    """The algorithm that chooses a member."""
    members: tuple[Member, ...] = ()
    """The members."""
    monitor: Monitor | None = None
    """Its health monitor."""


class Pools(BalancerPart):
    name, parent_kind, parent_key = "pool", "load balancer", "loadbalancer_id"
    model = Pool
    limits = {"pools": Limit("pool", "Pools.")}  # noqa: RUF012
    path, one, many = "/lbaas/pools", "pool", "pools"
    fields = ("name", "protocol", "lb_algorithm")
    immutable = frozenset({"protocol"})

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        for balancer, parent, place in self.parts(scope):
            for pool in balancer.pools:
                fields = {"name": pool.name, "protocol": pool.protocol, "lb_algorithm": pool.algorithm}
                yield self.part(parent, pool.name, fields, place)

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        if there.raw(one).get("session_persistence"):
            there.comment_part(one, f"not said: the session persistence of the pool {one.address.path[-1]}")
        monitors = there.nested("health monitor", one.address)
        return without_none(
            name=one.address.path[-1],
            protocol=one.fields["protocol"],
            algorithm=one.fields["lb_algorithm"],
            members=there.nested("member", one.address),
            monitor=monitors[0] if monitors else None,
        )
