"""What is laid out for a backup: small files are copied, large ones linked; what changed meanwhile is noticed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from onestack.health.backup import contents

LARGE = b"x" * contents.LINKED


@pytest.fixture
def data(tmp_path: Path) -> Path:
    source = tmp_path / "data"
    for name, content in {
        "keystone/fernet-keys/0": b"key",
        "cinder/volumes/file/volume-1": LARGE,
        "glance/images/i1": LARGE,
        "mysql/ibdata1": LARGE,
        "nova/instances/s1/disk": LARGE,
    }.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    (source / "keystone/fernet-keys/0").chmod(0o600)
    os.mkfifo(source / "keystone/pipe")
    (source / "keystone/now").symlink_to("fernet-keys")
    return source


def gathered(data: Path, *skip: str) -> tuple[Path, list[contents.Staged]]:
    target = data.parent / "staged"
    return target, contents.gather(data, target, (*contents.LEFT_OUT, *skip))


def names(folder: Path) -> set[str]:
    return {
        str(each.relative_to(folder)) for each in folder.rglob("*") if not each.is_dir() or each.is_symlink()
    }


def test_all_but_what_is_left_out(data: Path) -> None:
    target, linked = gathered(data, contents.INSTANCES)
    assert names(target) == {
        "keystone/fernet-keys/0",
        "keystone/now",
        "cinder/volumes/file/volume-1",
        "glance/images/i1",
    }
    assert {each.name for each in linked} == {"cinder/volumes/file/volume-1", "glance/images/i1"}
    assert (target / "glance/images/i1").samefile(data / "glance/images/i1")
    key = target / "keystone/fernet-keys/0"
    assert not key.samefile(data / "keystone/fernet-keys/0")
    assert key.stat().st_mode & 0o777 == 0o600


def test_what_is_deleted_meanwhile_is_still_there(data: Path) -> None:
    target, _ = gathered(data)
    (data / "glance/images/i1").unlink()
    (data / "keystone/fernet-keys/0").write_bytes(b"another")
    target, _ = gathered(data)
    assert (target / "glance/images/i1").read_bytes() == LARGE
    assert (target / "keystone/fernet-keys/0").read_bytes() == b"another"


def test_a_copy_never_writes_through_a_link(data: Path) -> None:
    target, _ = gathered(data)
    volume = data / "cinder/volumes/file/volume-1"
    linked = target / "cinder/volumes/file/volume-1"
    # Another file of this name, smaller than what is linked.
    volume.unlink()
    volume.write_bytes(b"small")
    gathered(data)
    assert linked.read_bytes() == b"small"
    assert not linked.samefile(volume)


def test_a_volume_that_is_written_to_is_noticed(data: Path) -> None:
    target, linked = gathered(data)
    assert contents.changed(target, linked) == []
    (data / "glance/images/i1").write_bytes(LARGE + b"more")
    assert contents.changed(target, linked) == [], "an upload is no part of a backup yet"
    with (data / "cinder/volumes/file/volume-1").open("r+b") as volume:
        volume.write(b"written")
        os.utime(volume.fileno(), ns=(1, 1))
    assert contents.changed(target, linked) == ["cinder/volumes/file/volume-1"]
