"""Volumes, and their snapshots and backups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import Field

from onestack.core import wait
from onestack.core.errors import Place
from onestack.language.types import Problem, Text, example
from onestack.language.words import (
    Counted,
    ImageRef,
    Named,
    Size,
    SnapshotRef,
    Texts,
    VolumeRef,
    VolumeTypeRef,
)
from onestack.workloads.kind.base import READY_SECONDS, Held, Kind, Limit, Listed
from onestack.workloads.kind.ownership import InMetadata
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Collector, Index, Rest, Session
from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, Value

_STATUS = "failed"


class Volume(Counted):
    """A disk that outlives servers."""

    model_config = example("""\
tenants:
  - name: shop
    volumes:
      - {name: data, size: 10}
      - {name: system, size: 2, image: tiny}
    snapshots: [{name: before, volume: data}]
""")

    size: Size
    """Its size, in GiB; it may grow, never shrink."""
    type: VolumeTypeRef | None = None
    """Its volume type; unless said the platform's own."""
    image: ImageRef | None = None
    """The image it is made from."""
    snapshot: SnapshotRef | None = None
    """The snapshot it is made from."""
    source: VolumeRef | None = None
    """The volume it is a copy of."""
    metadata: Texts = Field(default_factory=dict)
    """What is known of it."""
    description: Text = ""
    """What it is for."""

    def problems(self) -> Iterator[Problem]:
        given = [key for key in ("image", "snapshot", "source") if getattr(self, key)]
        if len(given) > 1:
            yield Problem(f"both '{given[0]}' and '{given[1]}'", "one origin", path=(given[1],))


class Snapshot(Named):
    """A volume as it was when this was made."""

    model_config = example("""\
tenants:
  - name: shop
    volumes: [{name: data, size: 1}]
    snapshots: [{name: before-upgrade, volume: data}]
""")

    volume: VolumeRef
    """The volume."""
    description: Text = ""
    """What it is for."""


class Backup(Named):
    """A copy of a volume outside of it."""

    model_config = example("""\
tenants:
  - name: shop
    volumes: [{name: data, size: 1}]
    backups: [{name: weekly, volume: data}]
""")

    volume: VolumeRef
    """The volume."""
    description: Text = ""
    """What it is for."""


class Stored(Kind):
    """What Cinder keeps: made from within its tenant, and not at once."""

    service = "block-storage"
    label_in = InMetadata()
    in_project = True
    asynchronous = True
    removable = True
    concurrency = 4

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        return collector.all(self.service, f"{self.path}/detail", self.many, all_tenants="1")

    def delete(self, there: Observed, session: Session) -> None:
        raw = self.get(there.id, session) or {}
        if str(raw.get("status")).startswith("error_"):
            # Cinder deletes nothing whose last deletion failed, until somebody says that it may.
            path = f"{self.path}/{there.id}/action"
            session.rest(self.service).post(path, {"os-reset_status": {"status": "error"}})
        super().delete(there, session)

    def value(self, field: str, raw: dict[str, Any], index: Index) -> Value:
        return raw["status"] == "error" if field == _STATUS else super().value(field, raw, index)

    def body(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in fields.items() if key != _STATUS}

    def held(self, rest: Rest, project: str, *, everyone: bool) -> Iterator[Held]:
        mine = {"all_tenants": "1", "project_id": project} if everyone else {}
        found = rest.all(f"{self.path}/detail", self.many, **mine)
        # The newest first: an incremental backup stands on those before it.
        for raw in sorted(found, key=lambda raw: str(raw["created_at"]), reverse=True):
            yield Held(raw["name"] or raw["id"], f"{self.path}/{raw['id']}")


class Volumes(Stored):
    name, key = "volume", "volumes"
    in_tenant = Listed(Volume, "Its disks.")
    removed_after = ("server", "snapshot", "backup")
    limits = {  # noqa: RUF012
        "volumes": Limit("volumes", "Volumes."),
        "gigabytes": Limit("gigabytes", "Volumes and snapshots together, in GiB."),
        "per_volume_gigabytes": Limit("per_volume_gigabytes", "A volume's size, in GiB."),
    }
    path, one, many = "/volumes", "volume", "volumes"
    project_key = "os-vol-tenant-attr:tenant_id"
    fields = (
        "name",
        "description",
        "size",
        "metadata",
        "volume_type",
        "snapshot_id",
        "source_volid",
        _STATUS,
    )
    refs = {"snapshot_id": "snapshot", "source_volid": "volume"}  # noqa: RUF012
    immutable = frozenset({"volume_type", "snapshot_id", "source_volid", _STATUS})

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        fields = {"size": item.size, "metadata": dict(item.metadata), _STATUS: False}
        fields |= given(item, "description")
        once: dict[str, Value] = {}
        if item.type:
            fields["volume_type"] = scope.named("volume type", item.type)
        if item.snapshot:
            fields["snapshot_id"] = scope.named("snapshot", item.snapshot)
        if item.source:
            fields["source_volid"] = scope.named("volume", item.source)
        if item.image:
            once["imageRef"] = scope.named("image", item.image)
        return self.of_tenant(scope, item.name, place, fields, once=once)

    def value(self, field: str, raw: dict[str, Any], index: Index) -> Value:
        if field == "volume_type":
            return Ref(Address("volume type", (raw[field],)))  # told by name
        return super().value(field, raw, index)

    def update(self, change: Change, ident: str, session: Session) -> None:
        rest = session.rest(self.service)
        if "size" in change.fields:
            size = change.fields["size"][1]
            rest.post(f"{self.path}/{ident}/action", {"os-extend": {"new_size": size}})

            def poll() -> tuple[bool, str]:
                raw = self.get(ident, session) or {}
                return raw.get("size") == size, str(raw.get("status"))

            wait.until(f"{change.address} to have {size} GiB", poll, seconds=READY_SECONDS, every=0.5)
        super().update(change, ident, session)

    def send(self, session: Session, ident: str, body: dict[str, Any]) -> None:
        body.pop("size", None)
        if body:
            super().send(session, ident, body)


class OfVolume(Stored):
    """What is made from a volume, in use or not, and never changes with it."""

    fields = ("name", "description", "volume_id", _STATUS)
    refs = {"volume_id": "volume"}  # noqa: RUF012
    immutable = frozenset({"volume_id", _STATUS})

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        fields = {"volume_id": scope.named("volume", item.volume), _STATUS: False}
        once = {"force": True}
        needs = tuple(self.before(scope, item))
        return self.of_tenant(
            scope, item.name, place, fields | given(item, "description"), once=once, needs=needs
        )

    def before(self, scope: Scope, item: Any) -> Iterator[Address]:
        """What of the same volume must be made before it."""
        yield from ()


class Snapshots(OfVolume):
    name, key = "snapshot", "snapshots"
    in_tenant = Listed(Snapshot, "Volumes as they were.")
    removed_after = ("server", "backup")
    limits = {"snapshots": Limit("snapshots", "Snapshots.")}  # noqa: RUF012
    path, one, many = "/snapshots", "snapshot", "snapshots"
    project_key = "os-extended-snapshot-attributes:project_id"


class Backups(OfVolume):
    name, key = "backup", "backups"
    in_tenant = Listed(Backup, "Copies of volumes.")
    removed_after = ("server",)
    limits = {  # noqa: RUF012
        "backups": Limit("backups", "Backups."),
        "backup_gigabytes": Limit("backup_gigabytes", "Backups together, in GiB."),
    }
    path, one, many = "/backups", "backup", "backups"
    project_key = "os-backup-project-attr:project_id"

    def before(self, scope: Scope, item: Any) -> Iterator[Address]:
        """Cinder takes neither a snapshot nor a second backup of a volume that is being backed up."""
        for snapshot, _ in scope.items("snapshots"):
            if snapshot.volume == item.volume:
                yield scope.named("snapshot", snapshot.name).address
        for backup, _ in scope.items("backups"):
            if backup.name == item.name:
                return
            if backup.volume == item.volume:
                yield scope.named("backup", backup.name).address
