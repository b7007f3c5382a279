"""Users. One that several tenants list is one user: the first says what it is, each what it may do there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onestack.core.errors import Place
from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.ownership import InAttribute
from onestack.workloads.kind.scope import DOMAIN, Scope, given, in_domain
from onestack.workloads.kind.session import Names
from onestack.workloads.plan.model import Wanted
from onestack.workloads.plan.values import Address, Ref, Secret


class InDomain(Kind):
    """What lives in a domain: users and groups."""

    service = "identity"
    marking = InAttribute()
    update_verb = "PATCH"

    def outer(self, raw: dict[str, Any], names: Names) -> Address | None:
        return names.address("domain", raw["domain_id"])

    def own_path(self, raw: dict[str, Any], names: Names, name: str) -> tuple[str, ...]:
        domain = self.outer(raw, names)
        return in_domain(name, domain.path[0] if domain else DOMAIN)


class Users(InDomain):
    name, key = "user", "users"
    path, one, many = "/users", "user", "users"
    fields = ("name", "description", "enabled", "email", "options")

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        if scope.tenant:
            yield from super().wanted(scope)

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        options: dict[str, Any] = {}
        if not item.password_expires:
            options["ignore_password_expiry"] = True
        if item.mfa:
            options["multi_factor_auth_rules"] = [list(rule) for rule in item.mfa]
            options["multi_factor_auth_enabled"] = True
        fields = {"name": item.name, "enabled": item.enabled, **given(item, "description", "email")}
        if options:
            fields["options"] = options
        address = Address(self.name, in_domain(item.name, scope.domain))
        once = {
            "domain_id": Ref(Address("domain", (scope.domain,))),
            "password": Secret(item.password, "/".join(address.path)),
        }
        return Wanted(address, fields, once, (), place)
