"""Volumes as the tests use them: made and waited for, with what the shared guest says of its disks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from openstack.connection import Connection
from openstack.exceptions import NotFoundException

from cloud import guests
from onestack.core.errors import PermanentError
from onestack.core.wait import until
from onestack.health.verify import guest as page

SECONDS = 240.0
"""For one change, on a busy machine."""
GIB_SECTORS = 2 * 1024 * 1024


def made(admin: Connection, **wanted: Any) -> str:
    """A volume, when it is available."""
    volume = admin.block_storage.create_volume(**{"size": 1, "name": "tested", **wanted})
    settled(lambda: admin.block_storage.get_volume(volume.id))
    return str(volume.id)


def settled(get: Callable[[], Any], *wanted: str) -> str:
    """Wait until its status is one of those wanted (available, unless said)."""
    good = wanted or ("available",)

    def look() -> tuple[bool, str]:
        status = str(get().status)
        if status.startswith("error") and status not in good:
            raise PermanentError(f"went to {status}")
        return status in good, status

    until(f"it to be {' or '.join(good)}", look, seconds=SECONDS, every=0.3)
    return str(get().status)


def gone(get: Callable[[], Any]) -> None:
    def look() -> tuple[bool, str]:
        try:
            return False, str(get().status)
        except NotFoundException:
            return True, ""

    until("it to be gone", look, seconds=SECONDS, every=0.3)


def attached(admin: Connection, server: str, volume: str) -> str:
    """Attach it; the disk's name in the guest."""
    admin.compute.create_volume_attachment(server, volume_id=volume)
    settled(lambda: admin.block_storage.get_volume(volume), "in-use")
    device = admin.block_storage.get_volume(volume).attachments[0]["device"]
    return str(device).rpartition("/")[2]


def detached(admin: Connection, server: str, volume: str) -> None:
    admin.compute.delete_volume_attachment(server, volume)
    settled(lambda: admin.block_storage.get_volume(volume))


def moved(admin: Connection, volume: str, kind: str, status: str = "available") -> None:
    """Give it another type, whose backend is another one; returns when it is there."""
    storage = admin.block_storage
    storage.retype_volume(volume, kind, "on-demand")

    def look() -> tuple[bool, str]:
        now = storage.get_volume(volume)
        there = (now.volume_type, now.status) == (kind, status)
        return there, f"{now.volume_type}, {now.status}, {now.migration_status}"

    until(f"the volume to be of the type {kind}", look, seconds=SECONDS, every=0.5)


def snapshot(admin: Connection, volume: str) -> str:
    found = admin.block_storage.create_snapshot(volume_id=volume, name="tested", force=True)
    settled(lambda: admin.block_storage.get_snapshot(found.id))
    return str(found.id)


def guest_says(guest: guests.Guest, disk: str, held: str, gib: int = 1) -> None:
    """Wait until the guest says that a disk begins with `held` and is so large."""

    def look() -> tuple[bool, str]:
        answered, text = page.fetch(guest.address, page.DISKS)
        return answered and page.facts(text).get(disk) == f"{held},{gib * GIB_SECTORS}", text

    until(f"the guest to read {held} from {disk}, {gib} GiB", look, seconds=SECONDS, every=0.3)


@contextlib.contextmanager
def nothing_left(admin: Connection, server: str) -> Iterator[None]:
    """Afterwards there is no volume, snapshot or backup, and the server has none."""
    storage = admin.block_storage
    try:
        yield
    finally:
        for each in list(admin.compute.volume_attachments(server)):
            admin.compute.delete_volume_attachment(server, each.volume_id)
            settled(lambda v=each.volume_id: storage.get_volume(v))  # type: ignore[misc]
        for backup in sorted(storage.backups(), key=lambda each: str(each.created_at), reverse=True):
            storage.delete_backup(backup.id)
            gone(lambda b=backup.id: storage.get_backup(b))  # type: ignore[misc]
        for taken in list(storage.snapshots()):
            storage.delete_snapshot(taken.id)
            gone(lambda s=taken.id: storage.get_snapshot(s))  # type: ignore[misc]
        for volume in list(storage.volumes()):
            storage.delete_volume(volume.id)
            gone(lambda v=volume.id: storage.get_volume(v))  # type: ignore[misc]
