"""Groups of users."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onestack.core.errors import Place
from onestack.language.types import Text, example
from onestack.language.words import Named, RoleRef, UserRef
from onestack.workloads.kind.base import Listed
from onestack.workloads.kind.existing import Existing
from onestack.workloads.kind.scope import Scope, given, in_domain
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address, Ref
from onestack.workloads.resources.user import InDomain


class Group(Named):
    """A group: users with common roles."""

    model_config = example("""\
tenants:
  - name: shop
    users: [{name: anna}, {name: bert}]
    groups:
      - {name: operators, users: [anna, bert], roles: [member]}
""")

    users: tuple[UserRef, ...] = ()
    """Its members."""
    roles: tuple[RoleRef, ...] = ()
    """The roles its members have in this tenant."""
    description: Text = ""
    """Its description, free text."""


class Groups(InDomain):
    name, key = "group", "groups"
    administrative = True
    in_tenant = Listed(Group, "Groups of users.")
    path, one, many = "/groups", "group", "groups"
    fields = ("name", "description")

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        if scope.tenant:
            yield from super().wanted(scope)

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        address = Address(self.name, in_domain(item.name, scope.domain))
        create_only = {"domain_id": Ref(Address("domain", (scope.domain,)))}
        return Wanted(address, {"name": item.name, **given(item, "description")}, create_only, (), place)

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        assert there.here is not None
        listed = {each.address for each in there.kinds["user"].of_section(there, there.here)}
        members = [user for (user,) in there.links("group member", one.address)]
        for user in members:
            if user not in listed:
                there.comment(one, f"not said: its member {user}, who is another domain's, or another spec's")
        return {
            "name": one.address.path[-1],
            "users": [user.path[-1] for user in members if user in listed],
            "roles": self.roles(one, there.here, there),
            "description": one.fields["description"] or "",
        }
