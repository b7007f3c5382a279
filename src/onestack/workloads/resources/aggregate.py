"""Host aggregates, and the availability zones that they define."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from onestack.core.errors import Place
from onestack.language.types import Text, example
from onestack.language.words import (
    Named,
    Texts,
)
from onestack.workloads.kind.base import Kind, Listed
from onestack.workloads.kind.existing import Existing, without_none
from onestack.workloads.kind.ownership import InMetadata
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Collector, Index, Session
from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Address

ZONE = "zone"
"""The index key of the aggregate that defines an availability zone."""


class Aggregate(Named):
    """A host aggregate, optionally an availability zone."""

    model_config = example("""\
aggregates:
  - {name: rack-1, zone: east, hosts: [node-1], metadata: {ssd: "true"}}
""")

    zone: Text | None = None
    """The availability zone that it defines."""
    hosts: tuple[Text, ...] = ()
    """Its hosts, as Nova names them."""
    metadata: Texts = Field(default_factory=dict)
    """Its metadata, which the scheduler's filters read."""


class Aggregates(Kind):
    """Nova accepts no metadata at creation: after an interruption right then, the aggregate has no label and needs
    --adopt."""

    name, service = "aggregate", "compute"
    administrative = True
    key = "aggregates"
    in_platform = Listed(Aggregate, "Host aggregates.")
    path, one, many = "/os-aggregates", "aggregate", "aggregates"
    label_in = InMetadata()
    fields = ("name", "availability_zone", "hosts", "metadata")
    unordered = frozenset({"hosts"})

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        fields: dict[str, Any] = {
            "name": item.name,
            "hosts": sorted(item.hosts),
            "metadata": dict(item.metadata),
        }
        if item.zone:
            fields["availability_zone"] = item.zone
        return Wanted(Address(self.name, (item.name,)), fields, place=place)

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        for raw in collector.all(self.service, self.path, self.many):
            yield {**raw, "id": str(raw["id"])}

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        observed = super().observe(raw, index)
        if observed is not None and raw.get("availability_zone"):
            index.remember((ZONE, raw["availability_zone"]), observed.address)
        return observed

    def create(self, wanted: Wanted, session: Session) -> str:
        plain = {key: wanted.fields[key] for key in ("name", "availability_zone") if key in wanted.fields}
        ident = str(session.rest(self.service).post(self.path, {self.one: plain})[self.one]["id"])
        body = {"metadata": wanted.fields["metadata"]}
        self.label_in.put(body, self.label(wanted, session))
        self._act(session, ident, "set_metadata", body)
        self._move(session, ident, (), wanted.fields["hosts"])
        return ident

    def update(self, change: Change, ident: str, session: Session) -> None:
        self._move(session, ident, *change.fields.get("hosts", ((), ())))
        super().update(change, ident, session)

    def send(self, session: Session, ident: str, body: dict[str, Any]) -> None:
        body.pop("hosts", None)
        if metadata := body.pop("metadata", None):
            self._act(session, ident, "set_metadata", {"metadata": metadata})
        if body:
            super().send(session, ident, body)

    def delete(self, observed: Observed, session: Session) -> None:
        self._move(session, observed.id, observed.fields["hosts"] or (), ())
        super().delete(observed, session)

    def _move(self, session: Session, ident: str, before: Iterable[str], after: Iterable[str]) -> None:
        for host in sorted(set(before) - set(after)):
            self._act(session, ident, "remove_host", {"host": host})
        for host in sorted(set(after) - set(before)):
            self._act(session, ident, "add_host", {"host": host})

    def _act(self, session: Session, ident: str, action: str, words: Any) -> None:
        session.rest(self.service).post(f"{self.path}/{ident}/action", {action: words})

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        fields = one.fields
        # Nova repeats the zone there.
        metadata = {key: value for key, value in fields["metadata"].items() if key != "availability_zone"}
        name, hosts = one.address.path[-1], fields["hosts"] or []
        return without_none(name=name, zone=fields["availability_zone"], hosts=hosts, metadata=metadata)
