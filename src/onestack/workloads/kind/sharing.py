"""Base of the kinds that share a resource with other tenants: networks, images, flavors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from onestack.workloads.kind.link import Link
from onestack.workloads.kind.scope import Scope, tenant_path
from onestack.workloads.kind.session import Index
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address


class Sharing(Link):
    """`shares`: the key of the list of shared resources; `among`: the key of an item that lists the tenants."""

    shares: ClassVar[str]
    among: ClassVar[str]

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        domains = {tenant.name: tenant.domain for tenant in scope.spec.tenants}
        for item, place in scope.items(self.shares):
            for tenant in getattr(item, self.among):
                what = Address(self.ends[0], (*scope.path, item.name))
                yield self.linked(what, Address("tenant", tenant_path(tenant, domains[tenant])), place=place)

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        return self.between(index, raw["what"], raw["tenant"])
