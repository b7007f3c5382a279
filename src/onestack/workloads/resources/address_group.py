"""Address groups."""

from __future__ import annotations

from typing import Any

from onestack.core.errors import Place
from onestack.language.types import Text, example
from onestack.language.words import (
    Cidr,
    Named,
)
from onestack.workloads.kind.base import Kind, Listed
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Session
from onestack.workloads.plan.model import Change, Wanted


class AddressGroup(Named):
    """Addresses that security group rules refer to as one group."""

    model_config = example("""\
tenants:
  - name: shop
    address_groups:
      - {name: offices, addresses: [192.0.2.0/24, 198.51.100.7/32]}
""")

    addresses: tuple[Cidr, ...] = ()
    """The addresses."""
    description: Text = ""
    """Its description, free text."""


class AddressGroups(Kind):
    name, service = "address group", "network"
    key = "address_groups"
    in_tenant = Listed(AddressGroup, "Address groups, for security group rules.")
    path, one, many = "/address-groups", "address_group", "address_groups"
    fields = ("name", "description", "addresses")
    unordered = frozenset({"addresses"})

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        addresses = sorted(str(address) for address in item.addresses)
        return self.of_tenant(scope, item.name, place, {"addresses": addresses, **given(item, "description")})

    def update(self, change: Change, ident: str, session: Session) -> None:
        before, after = change.fields.get("addresses", ((), ()))
        rest = session.rest(self.service)
        for verb, which in (("add", set(after) - set(before)), ("remove", set(before) - set(after))):
            if which:
                rest.put(f"{self.path}/{ident}/{verb}_addresses", {self.one: {"addresses": sorted(which)}})
        super().update(change, ident, session)

    def send(self, session: Session, ident: str, body: dict[str, Any]) -> None:
        body.pop("addresses", None)
        if body:
            super().send(session, ident, body)
