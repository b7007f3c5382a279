"""A guest that does not run moves to another host with what is on its disk: drained, migrated, and back again."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from cluster.cloud import onestack
from cluster.host import Host
from cluster.hosts import Hosts

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

# The guest counts its starts in a file on its disk, and says the number on its console.
USER_DATA = """#!/bin/sh
file=/var/lib/cloud/scripts/per-boot/count
mkdir -p "${file%/*}"
cat >$file <<'END'
#!/bin/sh
read -r number <<IN
$(cat /var/lib/starts 2>/dev/null || echo 0)
IN
echo $((number + 1)) >/var/lib/starts
sync
echo "start number $((number + 1))." >/dev/ttyS0
END
chmod 755 $file
$file
"""
COMMON = """
import base64, json, sys, time, openstack
cloud = openstack.connect()
compute = cloud.compute
def until(done):
    end = time.monotonic() + 240
    while True:
        now = compute.get_server(server.id)
        assert now.status != "ERROR", now.fault
        if now.task_state is None and done(now):
            return now
        assert time.monotonic() < end, (now.status, now.task_state, compute.get_server_console_output(server))
        time.sleep(0.5)
def said(text):
    return lambda now: text in (compute.get_server_console_output(server)["output"] or "")
"""
MAKE = (
    COMMON
    + """
server = compute.create_server(
    name="stopped", image_id=next(cloud.image.images(name="tiny")).id, networks="none", config_drive=True,
    flavor_id=compute.find_flavor("m1.nano").id, availability_zone="nova:n1",
    user_data=base64.b64encode(sys.argv[1].encode()).decode(),
)
until(lambda now: now.status == "ACTIVE")
until(said("start number 1."))
compute.stop_server(server)
until(lambda now: now.status == "SHUTOFF")
print(server.id)
"""
)
START = (
    COMMON
    + """
server = compute.get_server(sys.argv[1])
compute.start_server(server)
until(said(f"start number {sys.argv[2]}."))
until(said("metadata from the configuration drive"))
print(compute.get_server(server.id).compute_host)
"""
)
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
DELETE = (
    COMMON
    + """
server = compute.get_server(sys.argv[1])
compute.delete_server(server)
compute.wait_for_delete(server)
"""
)


def ask(control: Host, program: str, *words: str) -> str:
    return onestack(control, "exec", "python", "-c", program, *words).strip()


def left(hosts: Hosts, ident: str) -> dict[str, list[str]]:
    """The folders of a guest's files that each host has."""
    found = {}
    for host in hosts:
        names = host.run("ls", "/var/lib/onestack/data/nova/instances").split()
        if mine := [name for name in names if name.startswith(ident)]:
            found[host.name] = mine
    return found


@pytest.fixture(scope="module")
def guest(cloud: Host, all_hosts: Hosts) -> Iterator[str]:
    """The id of a stopped guest on n1, which has started once."""
    ident = ask(cloud, MAKE, USER_DATA)
    assert left(all_hosts, ident) == {"n1": [ident]}
    yield ident
    ask(cloud, DELETE, ident)
    assert left(all_hosts, ident) == {}


def test_a_stopped_guest_is_drained_with_its_disk(cloud: Host, all_hosts: Hosts, guest: str) -> None:
    # So that it goes to c1.
    onestack(cloud, "host", "drain", "n2")
    onestack(cloud, "host", "drain", "n1")
    listed = {each["name"]: each for each in json.loads(onestack(cloud, "host", "list", "--json"))}
    assert (listed["n1"]["drained"], listed["n1"]["guests"]) == (True, 0)
    for name in ("n1", "n2"):
        onestack(cloud, "host", "enable", name)
    assert ask(cloud, START, guest, "2") == "c1"
    assert left(all_hosts, guest) == {"c1": [guest]}
    said = cloud.run("cat", "/var/log/onestack/rsync.log")
    assert "n1: rsync --server" in said and "status 0" in said


def test_a_guest_with_a_volume_of_its_host_stays(cloud: Host, guest: str) -> None:
    assert ask(cloud, ATTACH, guest) == "ACTIVE c1"
    assert "uses a volume that is stored on its host c1" in cloud.run("cat", "/var/log/onestack/nova.log")
    said = onestack(cloud, "host", "drain", "c1", check=False)
    onestack(cloud, "host", "enable", "c1")
    assert "it uses volumes that are stored on c1 (of-c1)" in said
    ask(cloud, DETACH, guest)


def test_a_migration_is_reverted(cloud: Host, all_hosts: Hosts, guest: str) -> None:
    assert ask(cloud, MIGRATE_AND_REVERT, guest, "3") == "n1 c1"
    assert left(all_hosts, guest) == {"c1": [guest]}
