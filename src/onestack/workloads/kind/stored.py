"""Base of Cinder's kinds: volumes, snapshots and backups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from onestack.core.errors import Place
from onestack.workloads.kind.base import Kind, Removal
from onestack.workloads.kind.ownership import InMetadata
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Collector, Index, Rest, Session
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address, Value

FAILED = "failed"
"""A field that the API does not have: whether the status is `error`. The plan replaces such a resource."""


class Stored(Kind):
    """A Cinder resource: created asynchronously, with a token of its project."""

    service = "block-storage"
    label_in = InMetadata()
    in_project = True
    asynchronous = True
    removable = True
    concurrency = 4

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        return collector.all(self.service, f"{self.path}/detail", self.many, all_tenants="1")

    def delete(self, observed: Observed, session: Session) -> None:
        raw = self.get(observed.id, session) or {}
        if str(raw.get("status")).startswith("error_"):
            # After a failed deletion Cinder refuses another one until the status is reset.
            path = f"{self.path}/{observed.id}/action"
            session.rest(self.service).post(path, {"os-reset_status": {"status": "error"}})
        super().delete(observed, session)

    def value(self, field: str, raw: dict[str, Any], index: Index) -> Value:
        return raw["status"] == "error" if field == FAILED else super().value(field, raw, index)

    def body(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in fields.items() if key != FAILED}

    def removals(self, rest: Rest, project: str, *, everyone: bool) -> Iterator[Removal]:
        of_project = {"all_tenants": "1", "project_id": project} if everyone else {}
        resources = rest.all(f"{self.path}/detail", self.many, **of_project)
        # The newest first: an incremental backup depends on those before it.
        for raw in sorted(resources, key=lambda raw: str(raw["created_at"]), reverse=True):
            yield Removal(raw["name"] or raw["id"], f"{self.path}/{raw['id']}")


class CopyOfVolume(Stored):
    """A snapshot or backup of a volume, which may be in use."""

    fields = ("name", "description", "volume_id", FAILED)
    refs = {"volume_id": "volume"}  # noqa: RUF012
    immutable = frozenset({"volume_id", FAILED})

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        fields = {"volume_id": scope.named("volume", item.volume), FAILED: False}
        create_only = {"force": True}
        needs = tuple(self.before(scope, item))
        return self.of_tenant(
            scope, item.name, place, fields | given(item, "description"), create_only=create_only, needs=needs
        )

    def before(self, scope: Scope, item: Any) -> Iterator[Address]:
        """Copies of the same volume that must be created before it."""
        yield from ()
