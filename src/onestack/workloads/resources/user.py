"""Users. A user that several tenants list is one user: its attributes are taken from the first, its roles from
each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onestack.core.errors import Place
from onestack.language.types import Bool, Text, example
from onestack.language.words import Named, RoleRef, SecretRef
from onestack.workloads.kind.base import Kind, Listed
from onestack.workloads.kind.existing import Existing
from onestack.workloads.kind.ownership import InAttribute
from onestack.workloads.kind.scope import DOMAIN, Scope, given, in_domain
from onestack.workloads.kind.session import Index
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, Secret


class User(Named):
    """A person or a program that may log in."""

    model_config = example("""\
tenants:
  - name: shop
    users:
      - {name: anna, password: env:ANNA_PASSWORD, roles: [member], email: anna@example.org}
      - {name: robot, password: generated, roles: [reader]}
""")

    password: SecretRef = "generated"
    """The source of the password, which is set when the user is created. `generated`: generated, and stored in a file
    that only root can read."""
    roles: tuple[RoleRef, ...] = ()
    """The roles it has in this tenant."""
    email: Text | None = None
    """Its email address."""
    description: Text = ""
    """Its description, free text."""
    enabled: Bool = True
    """Whether it may log in."""
    password_expires: Bool = True
    """Whether the cloud's password expiry applies to it."""
    must_change_password: Bool = False
    """Whether it must change its password at its first login."""
    mfa: tuple[tuple[Text, ...], ...] = ()
    """Multi-factor authentication rules, each a list of methods that must all succeed: `[[password, totp]]`."""


def _domain_of(tenant: Address) -> tuple[str, ...]:
    domain = tenant.path[0].partition("@")[2]
    return (domain,) if domain else ()


class InDomain(Kind):
    """The base of resources in a domain: users and groups."""

    service = "identity"
    label_in = InAttribute()
    after = ("domain",)
    update_verb = "PATCH"

    def parent(self, raw: dict[str, Any], index: Index) -> Address | None:
        return index.address("domain", raw["domain_id"])

    def own_path(self, raw: dict[str, Any], index: Index, name: str) -> tuple[str, ...]:
        domain = self.parent(raw, index)
        return in_domain(name, domain.path[0] if domain else DOMAIN)

    def holders(self, there: Existing, tenant: Address) -> set[Address]:
        """Those with a role in a tenant."""
        return {holder for holder, _ in there.links(f"role of {self.name}", tenant)}

    def of_section(self, there: Existing, tenant: Address | None) -> list[Observed]:
        """Those with a role in a tenant, and in its first tenant what a spec made and gave no role."""
        if tenant is None:
            return []
        holders, domain = self.holders(there, tenant), _domain_of(tenant)
        if tenant == min(one for one in there.tenants if domain == _domain_of(one)):
            everywhere = {holder for one in there.tenants for holder in self.holders(there, one)}
            holders |= {
                one.address
                for one in there.all(self.name)
                if one.owner and one.owner == there.owner and one.address not in everywhere
            }
        found = []
        for one in there.all(self.name):
            if one.address not in holders or one.id == there.account:
                continue
            if one.address.path[:-1] != domain:
                there.warn(
                    f"{one.address} has a role in {tenant}, and is in another domain: a spec cannot say that"
                )
            elif one.owner is None and "admin" in self.roles(one, tenant, there):
                there.warn(f"{one.address} is an administrator and left out: whoever adopts it may delete it")
            elif one.owner in (None, there.owner):
                found.append(one)
        return found

    def roles(self, one: Observed, tenant: Address, there: Existing) -> list[str]:
        """The names of the roles that one has in a tenant."""
        links = there.links(f"role of {self.name}", tenant)
        return [there.name(Ref(role), ()) for holder, role in links if holder == one.address]

    def section(self, there: Existing, tenant: Address | None) -> dict[str, Any]:
        # What an item says depends on the tenant.
        there.here = tenant
        return super().section(there, tenant)


class Users(InDomain):
    name, key = "user", "users"
    administrative = True
    in_tenant = Listed(User, "Users.")
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
        create_only = {
            "domain_id": Ref(Address("domain", (scope.domain,))),
            "password": Secret(item.password, "/".join(address.path)),
        }
        return Wanted(address, fields, create_only, (), place)

    def holders(self, there: Existing, tenant: Address) -> set[Address]:
        """Those with a role in a tenant, and the members of its groups."""
        groups = there.kinds["group"].of_section(there, tenant)
        members = {user for group in groups for (user,) in there.links("group member", group.address)}
        return super().holders(there, tenant) | members

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        assert there.here is not None
        fields = one.fields
        options = fields["options"] or {}
        if section := there.get(there.here):
            there.comment(
                section, "the passwords of its users are not in this file; `password` names their source"
            )
        return {
            "name": one.address.path[-1],
            "roles": self.roles(one, there.here, there),
            "email": fields["email"],
            "description": fields["description"] or "",
            "enabled": fields["enabled"] is not False,
            "password_expires": not options.get("ignore_password_expiry"),
            "mfa": options.get("multi_factor_auth_rules") or [],
        }
