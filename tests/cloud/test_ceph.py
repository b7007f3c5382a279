"""Volumes in a real Ceph cluster. Building one takes minutes: only where ONESTACK_TEST_CEPH is set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud import ceph_cluster, guests, roots, volumes
from onestack import Cloud
from onestack.core.errors import PermanentError
from onestack.core.wait import until
from onestack.host import netns

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.skipif(
        "ONESTACK_TEST_CEPH" not in os.environ, reason="ONESTACK_TEST_CEPH=1 builds a Ceph and tries it"
    ),
]

FILES, POOL = "files", "pool"
SPEC = """\
name: ceph
platform:
  exclude: [dashboard, load-balancer]
  volumes:
    backends:
      - {{name: pool, driver: rbd, conf: {conf}, keyring: {keyring}}}
      - {{name: files}}
"""
KEYRING = "[client.cinder]\n\tkey = AQCDkFZqAAAAABAAKVN0bmUgb2YgYSBrZXkgIQ==\n"


@pytest.fixture(scope="module")
def pooled(cloud_roots: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud whose volumes are in Ceph; its first `up` finds no cluster, and says so."""
    folder = tmp_path_factory.mktemp("ceph")
    conf, keyring, file = folder / "ceph.conf", folder / "keyring", folder / "ceph.yaml"
    conf.write_text(f"[global]\nmon_host = {ceph_cluster.MONITOR}\n")
    keyring.write_text(KEYRING)
    file.write_text(SPEC.format(conf=conf, keyring=keyring))
    place = cloud_roots / "ceph"
    found = Cloud(place)
    programs = ceph_cluster.tree(found.paths.cache)
    try:
        with pytest.raises(PermanentError, match="pool 'volumes' of the backend 'pool' cannot be used"):
            found.up(file)
        with ceph_cluster.running(programs, netns.handle(found.paths)) as cluster:
            conf.write_text(cluster.conf.read_text())
            keyring.write_text(cluster.keyring.read_text())
            found.up(file)
            yield found
    finally:
        roots.take_away(place)


@pytest.fixture(scope="module")
def writer(pooled: Cloud) -> guests.Guest:
    return guests.start(pooled)


def test_what_a_guest_wrote_comes_back_by_every_way(pooled: Cloud, writer: guests.Guest) -> None:
    def work() -> None:
        admin = pooled.connect()
        storage = admin.block_storage
        with volumes.nothing_left(admin, writer.server):
            volume = volumes.made(admin)
            disk = volumes.attached(admin, writer.server, volume)
            volumes.guest_says(writer, disk, guests.TOKEN)
            taken = volumes.snapshot(admin, volume)
            storage.extend_volume(volume, 2)
            volumes.settled(lambda: storage.get_volume(volume), "in-use")
            volumes.guest_says(writer, disk, guests.TOKEN, 2)

            copy = volumes.made(admin, snapshot_id=taken)
            for source in ({"snapshot_id": taken}, {"source_volume_id": copy}):
                new = volumes.made(admin, **source)
                disk = volumes.attached(admin, writer.server, new)
                volumes.guest_says(writer, disk, guests.TOKEN)
                volumes.detached(admin, writer.server, new)

            whole = storage.create_backup(volume_id=copy, name="whole")
            volumes.settled(lambda: storage.get_backup(whole.id))
            target = volumes.made(admin, name="target")
            storage.restore_backup(whole.id, volume=target)
            volumes.settled(lambda: storage.get_backup(whole.id))
            volumes.settled(lambda: storage.get_volume(target))
            disk = volumes.attached(admin, writer.server, target)
            volumes.guest_says(writer, disk, guests.TOKEN)
            volumes.detached(admin, writer.server, target)

            for kind in (FILES, POOL):
                volumes.moved(admin, target, kind)
                disk = volumes.attached(admin, writer.server, target)
                volumes.guest_says(writer, disk, guests.TOKEN)
                volumes.detached(admin, writer.server, target)
            assert pooled.check_volumes().left == ()

    pooled.run(work)


def test_a_server_boots_from_a_volume_in_the_pool(pooled: Cloud, writer: guests.Guest) -> None:
    def work() -> None:
        admin = pooled.connect()
        image = admin.image.find_image("tiny", ignore_missing=False).id
        flavor = admin.compute.find_flavor("m1.nano", ignore_missing=False).id
        network = admin.network.find_network("served", ignore_missing=False).id
        with volumes.nothing_left(admin, writer.server):
            disk = volumes.made(admin, image_id=image)
            server = admin.compute.create_server(
                name="from-pool",
                flavor_id=flavor,
                networks=[{"uuid": network}],
                block_device_mapping=[
                    {"uuid": disk, "source_type": "volume", "destination_type": "volume", "boot_index": 0}
                ],
            )
            try:
                guests.active(admin, server.id)

                def ready() -> tuple[bool, str]:
                    said = str(admin.compute.get_server_console_output(server.id)["output"])
                    return "hostname=from-pool" in said, said[-200:]

                until("the guest to be ready", ready, seconds=volumes.SECONDS, every=0.5)
            finally:
                admin.compute.delete_server(server.id)
                admin.compute.wait_for_delete(server)
            volumes.settled(lambda: admin.block_storage.get_volume(disk))

    pooled.run(work)


def test_another_key_is_taken_over_by_up_and_a_wrong_one_is_refused(pooled: Cloud) -> None:
    spec = pooled.site.spec
    pool = spec.platform.volumes.backends[0].ceph
    assert pool is not None
    keyring = Path(pool.keyring)
    right = keyring.read_text()
    try:
        keyring.write_text(KEYRING)
        with pytest.raises(PermanentError, match="cannot be used"):
            pooled.up()
    finally:
        keyring.write_text(right)
    pooled.up()
    assert pooled.status().health == "healthy"
