"""Which disks of a running server are copied by QEMU, and how libvirt is asked for it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from onestack.health.backup import guests
from onestack.health.backup.capture import disturbed
from onestack.health.backup.guests import Disk

DOMAIN = """
<domain><devices>
  <disk type='file' device='disk'>
    <driver name='qemu' type='qcow2'/><source file='/var/lib/nova/instances/s1/disk'/><target dev='vda'/>
  </disk>
  <disk type='file' device='disk'>
    <driver name='qemu' type='raw'/><source file='/var/lib/cinder/volumes/file/volume-1'/><target dev='vdb'/>
  </disk>
  <disk type='file' device='cdrom'>
    <driver name='qemu' type='raw'/><source file='/var/lib/nova/instances/s1/disk.config'/><target dev='sda'/>
    <readonly/>
  </disk>
  <disk type='file' device='disk'><source file='/srv/elsewhere'/><target dev='vdc'/></disk>
  <disk type='network' device='disk'><source protocol='rbd' name='p/v'/><target dev='vdd'/></disk>
</devices></domain>
"""


def test_only_what_the_guest_writes_to_in_files_of_the_cloud() -> None:
    assert guests.disks(DOMAIN) == [
        Disk("vda", "/var/lib/nova/instances/s1/disk", "qcow2"),
        Disk("vdb", "/var/lib/cinder/volumes/file/volume-1", "raw"),
    ]


def test_libvirt_is_told_of_each_disk() -> None:
    job = ElementTree.fromstring(guests.job(DOMAIN, {"vda": "/var/lib/backup/disks/s1-vda"}))
    assert job.get("mode") == "push"
    rows = {each.get("name"): each for each in job.iterfind("./disks/disk")}
    assert {name: each.get("backup") for name, each in rows.items()} == {
        "vda": "yes",
        "vdb": "no",
        "sda": "no",
        "vdc": "no",
        "vdd": "no",
    }
    target, driver = rows["vda"].find("target"), rows["vda"].find("driver")
    assert target is not None and target.get("file") == "/var/lib/backup/disks/s1-vda"
    assert driver is not None and driver.get("type") == "qcow2"


def test_the_backing_file_is_as_the_disk_names_it() -> None:
    told = '{"filename": "disk", "backing-filename": "_base/ab", "backing-filename-format": "raw"}'
    assert guests.described(told) == ("_base/ab", "raw")
    assert guests.described('{"filename": "disk"}') == ("", "")


LOWER, UPPER = Disk("vdb", "/var/lib/cinder/v", "qcow2"), Disk("vdb", "/var/lib/cinder/v.snap", "qcow2")


def test_a_snapshot_meanwhile_disturbs_a_capture() -> None:
    seen = {"s1": [LOWER]}
    assert not disturbed([("s1", LOWER)], seen, seen)
    assert disturbed([("s1", LOWER)], seen, {"s1": [UPPER]})
    # Taken before files were linked, but after the disk was copied.
    assert disturbed([("s1", LOWER)], {"s1": [UPPER]}, {"s1": [UPPER]})


def test_a_server_that_starts_or_ends_meanwhile() -> None:
    assert not disturbed([("s1", LOWER)], {"s1": [LOWER]}, {})
    assert disturbed([], {}, {"s2": [LOWER]})
    # Known when files were linked, and copied afterwards.
    assert not disturbed([("s2", LOWER)], {"s2": [LOWER]}, {"s2": [LOWER]})
