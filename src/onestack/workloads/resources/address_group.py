"""Address groups."""

from __future__ import annotations

from typing import Any

from onestack.core.errors import Place
from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Hands
from onestack.workloads.plan.model import Change, Wanted


class AddressGroups(Kind):
    name, service = "address group", "network"
    key = "address_groups"
    path, one, many = "/address-groups", "address_group", "address_groups"
    fields = ("name", "description", "addresses")
    unordered = frozenset({"addresses"})

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        addresses = sorted(str(address) for address in item.addresses)
        return self.of_tenant(scope, item.name, place, {"addresses": addresses, **given(item, "description")})

    def update(self, change: Change, ident: str, hands: Hands) -> None:
        before, after = change.fields.get("addresses", ((), ()))
        rest = hands.rest(self.service)
        for verb, which in (("add", set(after) - set(before)), ("remove", set(before) - set(after))):
            if which:
                rest.put(f"{self.path}/{ident}/{verb}_addresses", {self.one: {"addresses": sorted(which)}})
        super().update(change, ident, hands)

    def send(self, hands: Hands, ident: str, body: dict[str, Any]) -> None:
        body.pop("addresses", None)
        if body:
            super().send(hands, ident, body)
