"""The life of a volume with a real guest: what it wrote is read again, by whatever way it went."""

from __future__ import annotations

from pathlib import Path

import pytest
from openstack.connection import Connection

from cloud import guests, volumes
from onestack import Cloud
from onestack.core.wait import until

pytestmark = pytest.mark.cloud


def folder(cloud: Cloud) -> Path:
    return cloud.paths.data / "cinder/volumes/file"


def test_what_a_guest_wrote_comes_back_from_snapshots_backups_and_clones(
    cloud: Cloud, guest: guests.Guest
) -> None:
    def work() -> None:
        admin = cloud.connect()
        storage = admin.block_storage
        with volumes.nothing_left(admin, guest.server):
            volume = volumes.made(admin)
            disk = volumes.attached(admin, guest.server, volume)
            volumes.guest_says(guest, disk, guests.TOKEN)
            taken = volumes.snapshot(admin, volume)
            assert len(list(folder(cloud).glob(f"volume-{volume}*"))) == 3, "two files and the note of them"

            # Online: the guest sees the larger disk without being started anew.
            storage.extend_volume(volume, 2)
            volumes.settled(lambda: storage.get_volume(volume), "in-use")
            volumes.guest_says(guest, disk, guests.TOKEN, 2)

            whole = storage.create_backup(volume_id=volume, name="whole", force=True)
            volumes.settled(lambda: storage.get_backup(whole.id))
            volumes.settled(lambda: storage.get_volume(volume), "in-use")
            more = storage.create_backup(volume_id=volume, name="more", force=True, is_incremental=True)
            volumes.settled(lambda: storage.get_backup(more.id))
            assert storage.get_backup(more.id).is_incremental

            copy = volumes.made(admin, snapshot_id=taken)
            disk = volumes.attached(admin, guest.server, copy)
            volumes.guest_says(guest, disk, guests.TOKEN)
            volumes.detached(admin, guest.server, copy)

            target = volumes.made(admin, size=2, name="target")
            storage.restore_backup(more.id, volume=target)
            volumes.settled(lambda: storage.get_backup(more.id))
            volumes.settled(lambda: storage.get_volume(target))
            disk = volumes.attached(admin, guest.server, target)
            volumes.guest_says(guest, disk, guests.TOKEN, 2)

            # The snapshot goes while the guest writes on; what it wrote stays.
            storage.delete_snapshot(taken)
            volumes.gone(lambda: storage.get_snapshot(taken))
            volumes.guest_says(guest, "vdb", guests.TOKEN, 2)
            volumes.detached(admin, guest.server, volume)
            clone = volumes.made(admin, source_volume_id=volume, size=3)
            disk = volumes.attached(admin, guest.server, clone)
            volumes.guest_says(guest, disk, guests.TOKEN, 3)

    cloud.run(work)
    left = [path.name for path in folder(cloud).glob("volume-*")]
    assert left == []


def test_a_volume_goes_back_to_its_snapshot(cloud: Cloud, guest: guests.Guest) -> None:
    def work() -> None:
        admin = cloud.connect()
        storage = admin.block_storage
        with volumes.nothing_left(admin, guest.server):
            volume = volumes.made(admin)
            disk = volumes.attached(admin, guest.server, volume)
            volumes.guest_says(guest, disk, guests.TOKEN)
            volumes.detached(admin, guest.server, volume)
            taken = volumes.snapshot(admin, volume)
            top = folder(cloud) / f"volume-{volume}.{taken}"
            before = top.stat().st_mtime_ns
            storage.revert_volume_to_snapshot(volume, taken)
            volumes.settled(lambda: storage.get_volume(volume))
            assert top.stat().st_mtime_ns > before
            disk = volumes.attached(admin, guest.server, volume)
            volumes.guest_says(guest, disk, guests.TOKEN)

    cloud.run(work)


def test_a_server_boots_from_a_volume_made_of_an_image(cloud: Cloud, guest: guests.Guest) -> None:
    def work() -> None:
        admin = cloud.connect()
        with volumes.nothing_left(admin, guest.server):
            image = admin.image.find_image("tiny", ignore_missing=False)
            volume = volumes.made(admin, image_id=image.id)
            assert admin.block_storage.get_volume(volume).is_bootable
            server = boot(admin, volume)
            until(
                "the guest to say that it is ready",
                lambda: says_ready(admin, server),
                seconds=volumes.SECONDS,
                every=0.5,
            )
            admin.compute.delete_server(server)
            volumes.gone(lambda: admin.compute.get_server(server))
            volumes.settled(lambda: admin.block_storage.get_volume(volume))
            upload(admin, volume)

    cloud.run(work)


def boot(admin: Connection, volume: str) -> str:
    network = admin.network.find_network("served", ignore_missing=False)
    server = admin.compute.create_server(
        name="from-volume",
        flavor_id=admin.compute.find_flavor("m1.nano", ignore_missing=False).id,
        networks=[{"uuid": network.id}],
        block_device_mapping=[
            {"boot_index": 0, "uuid": volume, "source_type": "volume", "destination_type": "volume"}
        ],
    )
    guests.active(admin, server.id)
    return str(server.id)


def says_ready(admin: Connection, server: str) -> tuple[bool, str]:
    text = str(admin.compute.get_server_console_output(server).get("output") or "")
    return "onestack-guest: ready" in text, text[-300:]


def upload(admin: Connection, volume: str) -> None:
    """A volume becomes an image again."""
    storage = admin.block_storage
    storage.upload_volume_to_image(volume, "of a volume", disk_format="qcow2", container_format="bare")
    volumes.settled(lambda: storage.get_volume(volume))
    image = admin.image.find_image("of a volume", ignore_missing=False)
    assert image.status == "active"
    assert image.size > 5_000_000, "what the volume was made of is in it"
    admin.image.delete_image(image.id)
