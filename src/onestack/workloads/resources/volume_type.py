"""Volume types."""

from __future__ import annotations

from typing import Any

from onestack.core.errors import Place
from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Hands, Names
from onestack.workloads.plan.model import Wanted
from onestack.workloads.plan.values import Address

_PUBLIC = "os-volume-type-access:is_public"


class VolumeTypes(Kind):
    name, service = "volume type", "block-storage"
    key = "volume_types"
    path, one, many = "/types", "volume_type", "volume_types"
    listed = {"is_public": "None"}  # noqa: RUF012
    fields = ("name", "description", "extra_specs", _PUBLIC)
    fixed = frozenset({_PUBLIC})

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        fields = {"name": item.name, "extra_specs": dict(item.extra_specs), _PUBLIC: item.public}
        return Wanted(Address(self.name, (item.name,)), fields | given(item, "description"), place=place)

    def outer(self, raw: dict[str, Any], names: Names) -> Address | None:
        return None

    def send(self, hands: Hands, ident: str, body: dict[str, Any]) -> None:
        if specs := body.pop("extra_specs", None):
            hands.rest(self.service).post(f"{self.path}/{ident}/extra_specs", {"extra_specs": specs})
        if body:
            super().send(hands, ident, body)
