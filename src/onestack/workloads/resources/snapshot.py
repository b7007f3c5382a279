"""Snapshots of volumes."""

from __future__ import annotations

from onestack.language.types import Text, example
from onestack.language.words import (
    Named,
    VolumeRef,
)
from onestack.workloads.kind.base import Limit, Listed
from onestack.workloads.kind.stored import CopyOfVolume


class Snapshot(Named):
    """A snapshot of a volume."""

    model_config = example("""\
tenants:
  - name: shop
    volumes: [{name: data, size: 1}]
    snapshots: [{name: before-upgrade, volume: data}]
""")

    volume: VolumeRef
    """The volume."""
    description: Text = ""
    """Its description, free text."""


class Snapshots(CopyOfVolume):
    name, key = "snapshot", "snapshots"
    in_tenant = Listed(Snapshot, "Snapshots of volumes.")
    removed_after = ("server", "backup")
    limits = {"snapshots": Limit("snapshots", "Snapshots.")}  # noqa: RUF012
    path, one, many = "/snapshots", "snapshot", "snapshots"
    project_key = "os-extended-snapshot-attributes:project_id"
