"""What is read of volumes' files and guests: headers of qcow2 files, info files, libvirt's descriptions."""

from __future__ import annotations

import json
import struct
import threading
from pathlib import Path

import pytest

from onestack.health.volumes import collect
from onestack_runtime.drivers.volumes import identity, note, qcow2

GIB = 1 << 30


def image(path: Path, size: int = GIB, backing: str = "") -> Path:
    offset = 104 if backing else 0
    header = struct.pack(">4sIQIIQ", b"QFI\xfb", 3, offset, len(backing), 16, size)
    path.write_bytes(header.ljust(104, b"\0") + backing.encode())
    return path


def test_a_header_says_size_and_its_backing_file(tmp_path: Path) -> None:
    plain = image(tmp_path / "volume-1", 5 * GIB)
    above = image(tmp_path / "volume-1.s", 6 * GIB, "/somewhere/volume-1")
    assert qcow2.header(plain) == qcow2.Header(5 * GIB, None)
    assert qcow2.header(above) == qcow2.Header(6 * GIB, "/somewhere/volume-1")
    assert collect.header(plain) == (None, 5 * GIB)
    assert collect.header(above) == ("volume-1", 6 * GIB)


def test_what_is_no_image_is_none(tmp_path: Path) -> None:
    other = tmp_path / "volume-2"
    other.write_bytes(b"raw bytes of a guest")
    assert collect.header(other) is None
    with pytest.raises(qcow2.NotQcow2):
        qcow2.header(other)


def test_a_folder_is_files_and_notes(tmp_path: Path) -> None:
    image(tmp_path / "volume-1")
    image(tmp_path / "volume-1.s", backing="volume-1")
    (tmp_path / "volume-1.info").write_text(json.dumps({"active": "volume-1.s", "s": "volume-1.s"}))
    (tmp_path / "volume-2.info").write_text("{half")
    seen = collect.folder(tmp_path)
    assert seen.of("volume-1") == {"volume-1": None, "volume-1.s": "volume-1"}
    assert seen.infos == {"volume-1": {"active": "volume-1.s", "s": "volume-1.s"}, "volume-2": {}}
    assert collect.folder(tmp_path / "nowhere").files == {}


def test_the_note_is_believed_over_what_nova_was_told(tmp_path: Path) -> None:
    assert note.active(tmp_path, "volume-1") == "volume-1"
    (tmp_path / "volume-1.info").write_text('{"active": "volume-1.b"}')
    assert note.active(tmp_path, "volume-1") == "volume-1.b"
    assert note.active(tmp_path, "volume-1.a") == "volume-1.b"


def test_disks_of_a_guest_that_are_volumes() -> None:
    text = """<domain><devices>
      <disk type='file' device='disk'><source file='/var/lib/nova/x/disk'/><target dev='vda'/></disk>
      <disk type='file' device='disk'><source file='/var/lib/cinder/volumes/file/volume-1.s'/>
        <target dev='vdb' bus='virtio'/><serial>1</serial></disk>
    </devices></domain>"""
    assert collect.disks(text) == {"1": ("vdb", "volume-1.s")}


class Manager:
    """What a service's methods see of whose thread they run in."""

    plain = "value"

    def who(self) -> int | None:
        return identity.get()


def test_each_service_works_in_its_own_name() -> None:
    one, two = identity.Bound(Manager(), 1), identity.Bound(Manager(), 2)
    assert (one.who(), two.who()) == (1, 2)
    assert identity.get() is None, "outside of both"
    assert one.plain == "value"
    seen: list[int | None] = []
    thread = threading.Thread(target=lambda: seen.append(two.who()))
    thread.start()
    thread.join()
    assert seen == [2]


def test_what_is_set_on_a_bound_manager_reaches_it() -> None:
    manager = Manager()
    bound = identity.Bound(manager, 3)
    bound.plain = "other"
    assert manager.plain == "other"
    assert "who" in dir(bound)
