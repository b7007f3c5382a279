"""Volume types."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from onestack.core.errors import Place
from onestack.language.types import Bool, Text, example
from onestack.language.words import (
    Named,
    Texts,
)
from onestack.workloads.kind.base import Kind, Listed
from onestack.workloads.kind.existing import Existing
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Index, Session
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address

_PUBLIC = "os-volume-type-access:is_public"


class VolumeType(Named):
    """A volume type."""

    model_config = example("""\
volume_types:
  - {name: fast, extra_specs: {volume_backend_name: ssd}}
""")

    description: Text = ""
    """Its description, free text."""
    extra_specs: Texts = Field(default_factory=dict)
    """Its extra specs, which backends must match."""
    public: Bool = True
    """Whether every tenant may use it."""


class VolumeTypes(Kind):
    name, service = "volume type", "block-storage"
    administrative = True
    key = "volume_types"
    built_in = ("__DEFAULT__",)
    in_platform = Listed(VolumeType, "Volume types.")
    path, one, many = "/types", "volume_type", "volume_types"
    listed = {"is_public": "None"}  # noqa: RUF012
    fields = ("name", "description", "extra_specs", _PUBLIC)
    immutable = frozenset({_PUBLIC})

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        fields = {"name": item.name, "extra_specs": dict(item.extra_specs), _PUBLIC: item.public}
        return Wanted(Address(self.name, (item.name,)), fields | given(item, "description"), place=place)

    def parent(self, raw: dict[str, Any], index: Index) -> Address | None:
        return None

    def send(self, session: Session, ident: str, body: dict[str, Any]) -> None:
        if specs := body.pop("extra_specs", None):
            session.rest(self.service).post(f"{self.path}/{ident}/extra_specs", {"extra_specs": specs})
        if body:
            super().send(session, ident, body)

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        public, specs = one.fields[_PUBLIC], there.said(one.fields["extra_specs"], ())
        description = one.fields["description"] or ""
        item = {"extra_specs": specs or {}, "public": public is not False, "description": description}
        return {"name": one.address.path[-1], **item}
