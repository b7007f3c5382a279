"""L7 policies of listeners."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from onestack.language.types import Int, Problem, Text, example
from onestack.language.words import Named, PoolRef
from onestack.workloads.kind.balancer_part import EXAMPLE, BalancerPart
from onestack.workloads.kind.existing import Existing, without_none
from onestack.workloads.kind.scope import Scope
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, Value
from onestack.workloads.resources.l7_rule import L7Rule


class L7Policy(Named):
    """An L7 policy: requests that a listener handles differently."""

    model_config = example(EXAMPLE)

    rules: tuple[L7Rule, ...] = ()
    """The conditions, all of which a request must meet."""
    pool: PoolRef | None = None
    """The pool that they are sent to."""
    redirect_url: Text | None = None
    """The URL that they are redirected to."""
    position: Annotated[Int, Field(ge=1)] | None = None
    """Its position among the listener's policies."""

    def problems(self) -> Iterator[Problem]:
        if self.pool and self.redirect_url:
            yield Problem(
                "both 'pool' and 'redirect_url'",
                "one of them; with neither, requests are rejected",
                path=("pool",),
            )


class L7Policies(BalancerPart):
    name, parent_kind, parent_key = "L7 policy", "listener", "listener_id"
    model = L7Policy
    path, one, many = "/lbaas/l7policies", "l7policy", "l7policies"
    fields = ("name", "action", "redirect_pool_id", "redirect_url", "position")
    refs = {"redirect_pool_id": "pool"}  # noqa: RUF012

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        for balancer, parent, place in self.parts(scope):
            for listener in balancer.listeners:
                for policy in listener.policies:
                    fields: dict[str, Value] = {"name": policy.name, "action": "REJECT"}
                    if policy.pool:
                        pool = Ref(Address("pool", (*parent.path, policy.pool)))
                        fields |= {"action": "REDIRECT_TO_POOL", "redirect_pool_id": pool}
                    elif policy.redirect_url:
                        fields |= {"action": "REDIRECT_TO_URL", "redirect_url": policy.redirect_url}
                    if policy.position:
                        fields["position"] = policy.position
                    inner = Address("listener", (*parent.path, listener.name))
                    yield self.part(inner, policy.name, fields, place)

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        fields, pool = one.fields, one.fields["redirect_pool_id"]
        return without_none(
            name=one.address.path[-1],
            rules=there.nested("L7 rule", one.address),
            pool=there.name(pool, one.address.path[:-2]) if pool else None,
            redirect_url=fields["redirect_url"],
            position=fields["position"],
        )
