"""Listeners of a load balancer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from onestack.language.types import Int, example
from onestack.language.words import Named, PoolRef, PortNumber
from onestack.workloads.kind.balancer_part import EXAMPLE, BalancerPart, Protocol
from onestack.workloads.kind.base import Limit
from onestack.workloads.kind.existing import Existing, without_none
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Index
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, Value
from onestack.workloads.resources.l7_policy import L7Policy


class Listener(Named):
    """A port of a load balancer."""

    model_config = example(EXAMPLE)

    protocol: Protocol = "HTTP"
    """The protocol of clients."""
    port: PortNumber
    """The port for clients."""
    pool: PoolRef | None = None
    """The pool that requests are sent to."""
    policies: tuple[L7Policy, ...] = ()
    """Its L7 policies."""
    connection_limit: Annotated[Int, Field(ge=-1)] | None = None
    """The maximum number of connections."""


class Listeners(BalancerPart):
    name, parent_kind, parent_key = "listener", "load balancer", "loadbalancer_id"
    model = Listener
    limits = {"listeners": Limit("listener", "Listeners.")}  # noqa: RUF012
    path, one, many = "/lbaas/listeners", "listener", "listeners"
    fields = ("name", "protocol", "protocol_port", "default_pool_id", "connection_limit", "admin_state_up")
    refs = {"default_pool_id": "pool"}  # noqa: RUF012
    immutable = frozenset({"protocol", "protocol_port"})

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        for balancer, parent, place in self.parts(scope):
            for listener in balancer.listeners:
                fields: dict[str, Value] = {
                    "name": listener.name,
                    "protocol": listener.protocol,
                    "protocol_port": listener.port,
                    "admin_state_up": True,
                }
                if listener.pool:
                    fields["default_pool_id"] = Ref(Address("pool", (*parent.path, listener.pool)))
                if listener.connection_limit is not None:
                    fields["connection_limit"] = listener.connection_limit
                yield self.part(parent, listener.name, fields, place)

    def parent(self, raw: dict[str, Any], index: Index) -> Address | None:
        return index.address("load balancer", raw["loadbalancers"][0]["id"] if raw["loadbalancers"] else None)

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        fields = one.fields
        if not fields["admin_state_up"]:
            there.comment_part(
                one, f"the listener {one.address.path[-1]} is down; applying this file turns it on"
            )
        pool, limit = fields["default_pool_id"], fields["connection_limit"]
        return without_none(
            name=one.address.path[-1],
            protocol=fields["protocol"],
            port=fields["protocol_port"],
            pool=there.name(pool, one.address.path[:-1]) if pool else None,
            policies=there.nested("L7 policy", one.address),
            connection_limit=limit if limit not in (None, -1) else None,
        )
