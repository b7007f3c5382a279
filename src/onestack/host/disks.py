"""The disks that a host gives to the managed Ceph: whether they may be used, what there is of the cloud on them, and
how they are given back.

What was taken is written down beside the cloud's data before it is touched, so that it can be found again without a
spec, also after an `up` that was cut off. A device is recognised by Ceph's own label at its beginning.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

from onestack.core.errors import BadInput, PermanentError
from onestack.core.paths import Paths
from onestack.host.command import run
from onestack.host.files import replace_private

LABEL = b"bluestore block device\n"
"""The first bytes of a disk of Ceph; the OSD's UUID follows."""
WIPED = 8192
"""Bytes at the beginning of a device that hold its label, and where Ceph's file system on it begins."""
SMALLEST = 2 << 30
"""Bytes that a device has at least; a test compares it with the spec's."""
SPARE = 1 << 30
"""Bytes that are left free on the file system of a file."""


@dataclass(frozen=True)
class Taken:
    """A disk that the cloud has on this host. `size`: of a file, in bytes; None for a device. `uuid`: its OSD's."""

    name: str
    path: str
    size: int | None
    uuid: str


def records(paths: Paths) -> Path:
    """The folder with a file for each disk that is taken; only root reaches it."""
    return paths.lib / "disks"


def folder(paths: Paths, name: str) -> Path:
    """What the OSD of a disk has of its own."""
    return paths.data / "ceph" / "osd" / name


def taken(paths: Paths) -> dict[str, Taken]:
    """The disks that the cloud has here, by name."""
    found = {}
    for file in sorted(records(paths).glob("*.json")):
        kept = Taken(**json.loads(file.read_text()))
        found[kept.name] = kept
    return found


def obstacle(paths: Paths, name: str, path: str, size: int | None) -> str:
    """Why a disk cannot be given to Ceph, in words; empty if it can. Changes nothing."""
    known = taken(paths).get(name)
    if size is None:
        return _device(Path(path), known)
    return _file(Path(path), size, known)


def _file(file: Path, size: int, known: Taken | None) -> str:
    if known and (known.path, known.size) != (str(file), size):
        return f"it has {known.size or 0} bytes, and a disk keeps its size: add another one instead"
    if known:
        return ""
    if not file.parent.is_dir():
        return f"there is no folder {file.parent}"
    if file.exists():
        return "it exists already, and is not this cloud's"
    free = shutil.disk_usage(file.parent).free
    if free < size + SPARE:
        return f"too little room: {free >> 20} MiB are free, and {(size + SPARE) >> 20} MiB are needed"
    return ""


def _device(device: Path, known: Taken | None) -> str:
    try:
        there = device.stat()
    except OSError as error:
        return f"it cannot be used: {error.strerror}"
    if not stat.S_ISBLK(there.st_mode):
        return "it is not a block device"
    number = f"{os.major(there.st_rdev)}:{os.minor(there.st_rdev)}"
    block = Path("/sys/dev/block") / number
    if used := _use(block, number):
        return used
    size = int((block / "size").read_text()) * 512
    if size < SMALLEST:
        return f"too small: {size >> 20} MiB, and {SMALLEST >> 20} MiB are needed"
    uuid = label(device)
    if uuid is None:
        signature = run(["blkid", "-p", "-o", "export", str(device)], check=False)
        kinds = [row for row in signature.splitlines() if row.startswith(("TYPE=", "PTTYPE="))]
        return (
            f"it holds data: {', '.join(kinds)}; `wipefs --all {device}` if that may be lost" if kinds else ""
        )
    if known and known.uuid == uuid:
        return ""
    return f"it is the disk of another Ceph (OSD {uuid}); `wipefs --all {device}` if its data may be lost"


def _use(block: Path, number: str) -> str:
    mounted = [row.split() for row in Path("/proc/self/mountinfo").read_text().splitlines()]
    if places := [row[4] for row in mounted if row[2] == number]:
        return f"it is mounted at {places[0]}"
    if parts := [each.parent.name for each in block.glob("*/partition")]:
        return f"it has partitions: {', '.join(sorted(parts))}"
    if holders := sorted(each.name for each in (block / "holders").glob("*")):
        return f"it is in use by {', '.join(holders)}"
    name = block.resolve().name
    swaps = [row.split()[0] for row in Path("/proc/swaps").read_text().splitlines()[1:]]
    return "the machine swaps on it" if f"/dev/{name}" in swaps else ""


def label(device: Path) -> str | None:
    """The UUID of the OSD on a disk; None without Ceph's label."""
    with device.open("rb") as disk:
        start = disk.read(len(LABEL) + 36)
    return start[len(LABEL) :].decode("ascii", "replace") if start.startswith(LABEL) else None


def take(paths: Paths, wanted: Taken, owner: int) -> None:
    """Have a disk ready for its OSD: a file is made, with all its room. Idempotent. Raises BadInput for too little
    room, PermanentError for a file that is gone."""
    known = taken(paths).get(wanted.name)
    if known is None:
        records(paths).mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_private(records(paths) / f"{wanted.name}.json", json.dumps(asdict(wanted)))
    if wanted.size is None:
        return
    file = Path(wanted.path)
    if known and is_made(folder(paths, wanted.name)) and not file.exists():
        raise PermanentError(
            f"{file} is gone, and with it the copies of data that were stored there",
            hint="put it back, or take the disk out of the spec and run `onestack up`",
        )
    if file.exists() and file.stat().st_size == wanted.size and file.stat().st_uid == owner:
        return
    try:
        with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as out:
            # All its room now: a file system that is full later must not take the data with it.
            os.posix_fallocate(out.fileno(), 0, wanted.size)
    except OSError as error:
        file.unlink(missing_ok=True)
        raise BadInput(
            f"the disk {file} cannot be made: {error.strerror}", hint="free some room there"
        ) from error
    os.chown(file, owner, owner)


def is_made(place: Path) -> bool:
    """Whether the OSD of a disk, whose folder this is, was completely made."""
    return (place / "made").exists()


def release(paths: Paths, keep: Collection[str] = ()) -> list[str]:
    """Give back all disks but those named in `keep`: files are deleted, devices lose Ceph's label if it is this
    cloud's. Returns their paths."""
    gone = []
    for name, each in taken(paths).items():
        if name in keep:
            continue
        place = Path(each.path)
        if each.size is not None:
            place.unlink(missing_ok=True)
        elif place.is_block_device() and label(place) == each.uuid:
            with place.open("r+b") as disk:
                disk.write(bytes(WIPED))
                disk.flush()
                os.fsync(disk.fileno())
        shutil.rmtree(folder(paths, name), ignore_errors=True)
        (records(paths) / f"{name}.json").unlink()
        gone.append(each.path)
    return gone
