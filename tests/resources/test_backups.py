"""Backups wait their turn: Cinder refuses what else is asked of a volume while it is backed up."""

from __future__ import annotations

from onestack import spec
from onestack.workloads.plan.values import Address
from onestack.workloads.wanted import wanted

TEXT = """\
name: shop
tenants:
  - name: shop
    volumes: [{name: data, size: 1}, {name: other, size: 1}]
    snapshots: [{name: before, volume: data}, {name: apart, volume: other}]
    backups: [{name: first, volume: data}, {name: aside, volume: other}, {name: second, volume: data}]
"""


def needs(name: str) -> set[Address]:
    """The snapshots and backups that a backup waits for."""
    found = {one.address: one for one in wanted(spec.loads(TEXT, "cloud.yaml"))}
    backup = found[Address("backup", ("shop", name))]
    return {each for each in backup.dependencies if each.kind in ("snapshot", "backup")}


def test_a_backup_comes_after_the_snapshots_and_earlier_backups_of_its_volume() -> None:
    assert needs("first") == {Address("snapshot", ("shop", "before"))}
    assert needs("second") == {Address("snapshot", ("shop", "before")), Address("backup", ("shop", "first"))}
    assert needs("aside") == {Address("snapshot", ("shop", "apart"))}
