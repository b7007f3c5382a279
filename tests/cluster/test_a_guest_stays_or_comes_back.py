"""A guest that uses a volume of its host stays there, and a cold migration can be reverted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster.cloud import onestack
from cluster.counting import COMMON, DELETE, MAKE, USER_DATA, ask, left
from cluster.host import Host
from cluster.hosts import Hosts

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

MIGRATE_AND_REVERT = (
    COMMON
    + """
server = compute.get_server(sys.argv[1])
compute.migrate_server(server, host="n1")
there = until(lambda now: now.status == "VERIFY_RESIZE").compute_host
until(said(f"start number {sys.argv[2]}."))
compute.revert_server_resize(server)
back = until(lambda now: now.status == "ACTIVE").compute_host
# What it wrote there is not here.
until(said(f"start number {sys.argv[2]}."))
print(there, back)
"""
)
# It has a volume of c1 now; Nova finds no other host for it.
ATTACH = (
    COMMON
    + """
server = compute.get_server(sys.argv[1])
volume = cloud.block_storage.create_volume(name="of-c1", size=1)
cloud.block_storage.wait_for_status(volume, "available")
compute.create_volume_attachment(server, volume_id=volume.id)
cloud.block_storage.wait_for_status(volume, "in-use")
compute.migrate_server(server)
now = until(lambda now: any(each.action == "migrate" and each.message for each in compute.server_actions(server)))
print(now.status, now.compute_host)
"""
)
DETACH = (
    COMMON
    + """
server = compute.get_server(sys.argv[1])
volume = cloud.block_storage.find_volume("of-c1")
compute.delete_volume_attachment(server, volume.id)
cloud.block_storage.wait_for_status(volume, "available")
cloud.block_storage.delete_volume(volume)
cloud.block_storage.wait_for_delete(volume)
"""
)


@pytest.fixture(scope="module")
def guest(cloud: Host, all_hosts: Hosts) -> Iterator[str]:
    """The id of a guest that runs on c1."""
    ident = ask(cloud, MAKE, USER_DATA, "c1")
    yield ident
    ask(cloud, DELETE, ident)
    assert left(all_hosts, ident) == {}


def test_a_guest_with_a_volume_of_its_host_stays(cloud: Host, guest: str) -> None:
    assert ask(cloud, ATTACH, guest) == "ACTIVE c1"
    assert (
        "is stored on the host c1: only servers of that host can use it, so this one cannot move"
        in cloud.run("cat", "/var/log/onestack/nova.log")
    )
    said = onestack(cloud, "host", "drain", "c1", check=False)
    onestack(cloud, "host", "enable", "c1")
    assert "it uses volumes that are stored on c1 (of-c1)" in said
    ask(cloud, DETACH, guest)


def test_a_migration_is_reverted(cloud: Host, all_hosts: Hosts, guest: str) -> None:
    assert ask(cloud, MIGRATE_AND_REVERT, guest, "2") == "n1 c1"
    assert left(all_hosts, guest) == {"c1": [guest]}
