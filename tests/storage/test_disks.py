"""Disks of a host: what keeps them from Ceph, how they are taken and given back. Files are real, devices are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from onestack.core.errors import BadInput
from onestack.core.paths import Paths
from onestack.host import disks
from onestack.host.disks import Taken

SIZE = 4 << 20


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "root", tmp_path / "cache")


def taken(file: Path, size: int = SIZE) -> Taken:
    return Taken("osd", str(file), size, "2f6f9c1e-0000-4000-8000-000000000001")


def test_a_file_is_taken_with_all_its_room_and_given_back(paths: Paths, tmp_path: Path) -> None:
    file = tmp_path / "osd"
    assert disks.obstacle(paths, "osd", str(file), SIZE) == ""
    disks.take(paths, taken(file), os.getuid())
    disks.take(paths, taken(file), os.getuid())
    found = file.stat()
    assert (found.st_size, found.st_mode & 0o777) == (SIZE, 0o600)
    assert found.st_blocks * 512 >= SIZE
    assert disks.obstacle(paths, "osd", str(file), SIZE) == ""
    assert disks.release(paths, keep={"osd"}) == []
    assert disks.release(paths) == [str(file)]
    assert not file.exists() and disks.taken(paths) == {}


@pytest.mark.parametrize(
    ("name", "size", "says"),
    [
        ("theirs", SIZE, "exists already"),
        ("absent/osd", SIZE, "there is no folder"),
        ("osd", 1 << 60, "too little room"),
    ],
)
def test_what_keeps_a_file_from_ceph(paths: Paths, tmp_path: Path, name: str, size: int, says: str) -> None:
    (tmp_path / "theirs").write_text("data of somebody")
    assert says in disks.obstacle(paths, "osd", str(tmp_path / name), size)
    assert (tmp_path / "theirs").read_text() == "data of somebody"


def test_a_disk_keeps_its_size(paths: Paths, tmp_path: Path) -> None:
    disks.take(paths, taken(tmp_path / "osd"), os.getuid())
    assert "keeps its size" in disks.obstacle(paths, "osd", str(tmp_path / "osd"), 2 * SIZE)


def test_a_file_for_which_there_is_no_room_is_not_left_behind(paths: Paths, tmp_path: Path) -> None:
    file = tmp_path / "osd"
    with pytest.raises(BadInput, match="cannot be made"):
        disks.take(paths, taken(file, 1 << 50), os.getuid())
    assert not file.exists()


@pytest.mark.parametrize(
    ("path", "says"), [("/dev/no-such-disk", "cannot be used"), ("/dev/null", "not a block device")]
)
def test_what_is_no_device_is_refused(paths: Paths, path: str, says: str) -> None:
    assert says in disks.obstacle(paths, "x", path, None)


def test_an_osd_is_known_by_cephs_label(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(disks.LABEL + b"2f6f9c1e-0000-4000-8000-000000000001\n" + bytes(100))
    assert disks.label(disk) == "2f6f9c1e-0000-4000-8000-000000000001"
    disk.write_bytes(bytes(100))
    assert disks.label(disk) is None
