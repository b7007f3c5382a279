"""Flavors."""

from __future__ import annotations

from typing import Any

from onestack.core.errors import Place
from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Hands, Names
from onestack.workloads.plan.model import Wanted
from onestack.workloads.plan.values import Address, Value

_PUBLIC = "os-flavor-access:is_public"
_EPHEMERAL = "OS-FLV-EXT-DATA:ephemeral"


class Flavors(Kind):
    name, service = "flavor", "compute"
    key = "flavors"
    path, one, many = "/flavors", "flavor", "flavors"
    listed = {"is_public": "None"}  # noqa: RUF012
    fields = ("name", "description", "vcpus", "ram", "disk", _EPHEMERAL, "swap", _PUBLIC, "extra_specs")
    fixed = frozenset({"name", "vcpus", "ram", "disk", _EPHEMERAL, "swap", _PUBLIC})

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        fields = {
            "name": item.name,
            "vcpus": item.vcpus,
            "ram": item.ram,
            "disk": item.disk,
            _EPHEMERAL: item.ephemeral,
            "swap": item.swap,
            _PUBLIC: not item.tenants,
            "extra_specs": dict(item.extra_specs),
        }
        return Wanted(Address(self.name, (item.name,)), fields, place=place)

    def found(self, look: Any) -> Any:
        return look.all(self.service, "/flavors/detail", self.many, **self.listed)

    def outer(self, raw: dict[str, Any], names: Names) -> Address | None:
        return None

    def value(self, field: str, raw: dict[str, Any], names: Names) -> Value:
        value = super().value(field, raw, names)
        return value or 0 if field == "swap" else value

    def body(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in fields.items() if key != "extra_specs"}

    def create(self, wanted: Wanted, hands: Hands) -> str:
        ident = super().create(wanted, hands)
        self._tell(ident, wanted.fields["extra_specs"], hands)
        return ident

    def send(self, hands: Hands, ident: str, body: dict[str, Any]) -> None:
        self._tell(ident, body.pop("extra_specs", {}), hands)
        if body:
            super().send(hands, ident, body)

    def _tell(self, ident: str, specs: dict[str, str], hands: Hands) -> None:
        if specs:
            hands.rest(self.service).post(f"{self.path}/{ident}/os-extra_specs", {"extra_specs": specs})
