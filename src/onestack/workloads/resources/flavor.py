"""Flavors."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from onestack.core.errors import Place
from onestack.language.types import example
from onestack.language.words import (
    Amount,
    Named,
    Size,
    TenantRef,
    Texts,
)
from onestack.workloads.kind.base import Kind, Listed
from onestack.workloads.kind.existing import Existing, Unsayable
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Index, Session
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address, Value

_PUBLIC = "os-flavor-access:is_public"
_EPHEMERAL = "OS-FLV-EXT-DATA:ephemeral"


# The flavors of every new cloud: name -> vCPUs, MiB of memory, GiB of disk. They are DevStack's, which many examples
# assume. As in DevStack, m1.nano fits the test image.
FLAVORS = {
    "m1.nano": (1, 128, 1),
    "m1.micro": (1, 256, 1),
    "m1.tiny": (1, 512, 1),
    "m1.small": (1, 2048, 20),
    "m1.medium": (2, 4096, 40),
    "m1.large": (4, 8192, 80),
    "m1.xlarge": (8, 16384, 160),
}


class Flavor(Named):
    """A flavor: a size of servers. Every cloud has m1.nano (for the image `tiny`), m1.micro, m1.tiny, m1.small,
    m1.medium, m1.large and m1.xlarge."""

    model_config = example("""\
flavors:
  - {name: web.small, vcpus: 2, ram: 2048, disk: 20}
""")

    vcpus: Size
    """Virtual CPUs."""
    ram: Size
    """Memory, in MiB."""
    disk: Amount = 0
    """Root disk, in GiB; 0: as large as the image."""
    ephemeral: Amount = 0
    """A second disk, in GiB."""
    swap: Amount = 0
    """Swap, in MiB."""
    extra_specs: Texts = Field(default_factory=dict)
    """Extra specs, for the scheduler and the hypervisor."""
    tenants: tuple[TenantRef, ...] = ()
    """The tenants that may use it; default: all."""


class Flavors(Kind):
    name, service = "flavor", "compute"
    administrative = True
    key = "flavors"
    in_platform = Listed(Flavor, "Flavors: sizes of servers.")
    built_in = tuple(FLAVORS)
    path, one, many = "/flavors", "flavor", "flavors"
    essential = ("vcpus", "ram", "disk", _EPHEMERAL, "swap")
    listed = {"is_public": "None"}  # noqa: RUF012
    fields = ("name", "description", "vcpus", "ram", "disk", _EPHEMERAL, "swap", _PUBLIC, "extra_specs")
    immutable = frozenset({"name", "vcpus", "ram", "disk", _EPHEMERAL, "swap", _PUBLIC})

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

    def collect(self, collector: Any) -> Any:
        return collector.all(self.service, "/flavors/detail", self.many, **self.listed)

    def parent(self, raw: dict[str, Any], index: Index) -> Address | None:
        return None

    def value(self, field: str, raw: dict[str, Any], index: Index) -> Value:
        value = super().value(field, raw, index)
        return value or 0 if field == "swap" else value

    def body(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in fields.items() if key != "extra_specs"}

    def create(self, wanted: Wanted, session: Session) -> str:
        ident = super().create(wanted, session)
        self._update_access(ident, wanted.fields["extra_specs"], session)
        return ident

    def send(self, session: Session, ident: str, body: dict[str, Any]) -> None:
        self._update_access(ident, body.pop("extra_specs", {}), session)
        if body:
            super().send(session, ident, body)

    def _update_access(self, ident: str, specs: dict[str, str], session: Session) -> None:
        if specs:
            session.rest(self.service).post(f"{self.path}/{ident}/os-extra_specs", {"extra_specs": specs})

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        fields = one.fields
        item = {key: fields[key] or 0 for key in ("vcpus", "ram", "disk", "swap")}
        specs = there.said(fields["extra_specs"], ()) or {}
        tenants = [tenant.path[-1] for (tenant,) in there.links("flavor access", one.address)]
        if not fields[_PUBLIC] and not tenants:
            raise Unsayable("it is for no tenant that exists")
        item |= {"ephemeral": fields[_EPHEMERAL] or 0, "extra_specs": specs}
        return {"name": one.address.path[-1], **item, "tenants": tenants if not fields[_PUBLIC] else []}
