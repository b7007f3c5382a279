"""Volumes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from onestack.core import wait
from onestack.core.errors import Place
from onestack.language.types import Problem, Text, example
from onestack.language.words import (
    Counted,
    ImageRef,
    Size,
    SnapshotRef,
    Texts,
    VolumeRef,
    VolumeTypeRef,
)
from onestack.workloads.kind.base import READY_SECONDS, Limit, Listed
from onestack.workloads.kind.existing import Existing, Unsayable
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Index, Session
from onestack.workloads.kind.stored import FAILED, Stored
from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, Value


class Volume(Counted):
    """A volume: a disk that exists independently of servers."""

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
    """Its volume type; default: the platform's default type."""
    image: ImageRef | None = None
    """The image that it is created from."""
    snapshot: SnapshotRef | None = None
    """The snapshot that it is created from."""
    source: VolumeRef | None = None
    """The volume that it is a clone of."""
    metadata: Texts = Field(default_factory=dict)
    """Its metadata."""
    description: Text = ""
    """Its description, free text."""

    def problems(self) -> Iterator[Problem]:
        given = [key for key in ("image", "snapshot", "source") if getattr(self, key)]
        if len(given) > 1:
            yield Problem(f"both '{given[0]}' and '{given[1]}'", "one origin", path=(given[1],))


_CINDERS = ("readonly", "attached_mode")
"""What Cinder itself notes in the metadata."""


class Volumes(Stored):
    name, key = "volume", "volumes"
    in_tenant = Listed(Volume, "Volumes.")
    removed_after = ("server", "snapshot", "backup")
    limits = {  # noqa: RUF012
        "volumes": Limit("volumes", "Volumes."),
        "gigabytes": Limit("gigabytes", "Total size of volumes and snapshots, in GiB."),
        "per_volume_gigabytes": Limit("per_volume_gigabytes", "Size of one volume, in GiB."),
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
        FAILED,
    )
    refs = {"snapshot_id": "snapshot", "source_volid": "volume"}  # noqa: RUF012
    immutable = frozenset({"volume_type", "snapshot_id", "source_volid", FAILED})

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        fields = {"size": item.size, "metadata": dict(item.metadata), FAILED: False}
        fields |= given(item, "description")
        create_only: dict[str, Value] = {}
        if item.type:
            fields["volume_type"] = scope.named("volume type", item.type)
        if item.snapshot:
            fields["snapshot_id"] = scope.named("snapshot", item.snapshot)
        if item.source:
            fields["source_volid"] = scope.named("volume", item.source)
        if item.image:
            create_only["imageRef"] = scope.named("image", item.image)
        return self.of_tenant(scope, item.name, place, fields, create_only=create_only)

    def value(self, field: str, raw: dict[str, Any], index: Index) -> Value:
        if field == "volume_type":
            return Ref(Address("volume type", (raw[field],)))  # identified by its name
        return super().value(field, raw, index)

    def uses(
        self, fields: Mapping[str, Value], found: Mapping[Address, Mapping[str, Value]]
    ) -> dict[str, int]:
        return {"volumes": 1, "gigabytes": int(fields.get("size") or 0)}

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

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        fields, raw, here = one.fields, there.raw(one), one.address.path[:-1]
        if fields[FAILED]:
            raise Unsayable("its status is error")
        item: dict[str, Any] = {}
        if raw.get("volume_type"):
            item["type"] = there.name(fields["volume_type"], here)
        origins = {"snapshot": fields["snapshot_id"], "source": fields["source_volid"]}
        for key, origin in origins.items():
            if isinstance(origin, Ref) and there.get(origin.address):
                item[key] = there.name(origin, here)
        image = there.by_id("image", (raw.get("volume_image_metadata") or {}).get("image_id", ""))
        if image and not item.keys() & origins.keys():
            item["image"] = there.name(Ref(image.address), here)
        metadata = {key: value for key, value in fields["metadata"].items() if key not in _CINDERS}
        item |= {"size": fields["size"], "metadata": metadata, "description": fields["description"] or ""}
        return {"name": one.address.path[-1], **item}
