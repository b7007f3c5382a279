"""Tenants: Keystone's projects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.existing import Existing
from onestack.workloads.kind.ownership import InAttribute
from onestack.workloads.kind.scope import Scope, given, tenant_path
from onestack.workloads.kind.session import Index, Session
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address, Ref

ADMIN = ("admin", "service")
"""Projects of the platform. Resources in the administrator's project have no tenant in their address."""


class Tenants(Kind):
    name, service = "tenant", "identity"
    administrative = True
    after = ("domain",)
    path, one, many = "/projects", "project", "projects"
    fields = ("name", "description", "enabled")
    label_in = InAttribute()
    update_verb = "PATCH"

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        if tenant := scope.tenant:
            fields = {"name": tenant.name, "enabled": tenant.enabled, **given(tenant, "description")}
            domain = Ref(Address("domain", (tenant.domain,)))
            yield Wanted(scope.project, fields, {"domain_id": domain}, (), scope.place())

    def parent(self, raw: dict[str, Any], index: Index) -> Address | None:
        return index.address("domain", raw["domain_id"])

    def own_path(self, raw: dict[str, Any], index: Index, name: str) -> tuple[str, ...]:
        domain = self.parent(raw, index)
        where = domain.path[0] if domain else raw["domain_id"]
        return tenant_path(name.removesuffix(f"@{where}"), where)

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        if raw["name"] in ADMIN and raw["domain_id"] == "default":
            return None
        observed = super().observe(raw, index)
        return observed if observed and index.knows(observed.address, observed.owner) else None

    def delete(self, observed: Observed, session: Session) -> None:
        """Delete the project, after the quotas and the default security group that services keep for it."""
        network = session.rest("network")
        for group in network.all(
            "/security-groups", "security_groups", project_id=observed.id, name="default"
        ):
            network.delete(f"/security-groups/{group['id']}")
        network.delete(f"/quotas/{observed.id}")
        session.rest("compute").delete(f"/os-quota-sets/{observed.id}")
        super().delete(observed, session)

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        name, _, domain = one.address.path[0].partition("@")
        if domain and not (there.platform or there.get(Address("domain", (domain,)))):
            there.used.setdefault("domains", set()).add(domain)
        fields = one.fields
        item = {"description": fields["description"] or "", "enabled": fields["enabled"] is not False}
        return {"name": name, **({"domain": domain} if domain else {}), **item}
