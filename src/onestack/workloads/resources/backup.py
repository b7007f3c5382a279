"""Backups of volumes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onestack.language.types import Text, example
from onestack.language.words import (
    Named,
    VolumeRef,
)
from onestack.workloads.kind.base import Limit, Listed
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.stored import CopyOfVolume
from onestack.workloads.plan.values import Address


class Backup(Named):
    """A backup of a volume."""

    model_config = example("""\
tenants:
  - name: shop
    volumes: [{name: data, size: 1}]
    backups: [{name: weekly, volume: data}]
""")

    volume: VolumeRef
    """The volume."""
    description: Text = ""
    """Its description, free text."""


class Backups(CopyOfVolume):
    name, key = "backup", "backups"
    in_tenant = Listed(Backup, "Backups of volumes.")
    removed_after = ("server",)
    limits = {  # noqa: RUF012
        "backups": Limit("backups", "Backups."),
        "backup_gigabytes": Limit("backup_gigabytes", "Total size of backups, in GiB."),
    }
    path, one, many = "/backups", "backup", "backups"
    project_key = "os-backup-project-attr:project_id"

    def before(self, scope: Scope, item: Any) -> Iterator[Address]:
        """The other copies of the same volume: Cinder refuses a snapshot or second backup while one is being
        created."""
        for snapshot, _ in scope.items("snapshots"):
            if snapshot.volume == item.volume:
                yield scope.named("snapshot", snapshot.name).address
        for backup, _ in scope.items("backups"):
            if backup.name == item.name:
                return
            if backup.volume == item.volume:
                yield scope.named("backup", backup.name).address
