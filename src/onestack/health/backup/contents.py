"""What a backup holds, and how it is laid out for restic: `etc` and `data`, as they are below a cloud's root.

Large files are hard links: images and the lower files of volumes never change, and a link stays when the cloud
deletes its file. Small files are copied. What changes all the time is copied by others: `databases` and `guests`.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from onestack.core.paths import Paths

FOLDER = "backup"
"""Below the cloud's data: what a backup needs while it is made."""
LINKED = 1 << 20
"""Bytes from which a file is linked and not copied."""
INSTANCES = "nova/instances"
LEFT_OUT = (
    *("mysql", "ovn", "openvswitch"),  # copied by `databases`, or made anew
    *("prometheus", "tmp", "cache", "base", "tempest", "suites", FOLDER, "upgrade"),
)
"""Folders of the cloud's data that are not in it, or not as files: databases, metrics, what can be made again."""
LEFT_OUT_OF_ETC = ("backup.json",)
NEVER_CHANGES = ("glance/", "cinder/backup/", f"{INSTANCES}/_base/")
"""Below the data: files that are written once."""


@dataclass(frozen=True)
class Staged:
    """A file that is in the backup as a link: its path below the data, and its size and time of change when it was
    linked."""

    name: str
    size: int
    changed: int


def staging(paths: Paths) -> Path:
    """The folder that restic stores."""
    return paths.data / FOLDER / "staging"


def disks(paths: Paths) -> Path:
    """The folder in which QEMU writes copies of disks."""
    return paths.data / FOLDER / "disks"


def clear(paths: Paths) -> None:
    """Remove what an earlier backup left."""
    shutil.rmtree(paths.data / FOLDER, ignore_errors=True)


def prepare(paths: Paths) -> None:
    """Make the folders; QEMU, which does not run as root, must reach its own."""
    for folder, mode in ((paths.data / FOLDER, 0o711), (disks(paths), 0o711), (staging(paths), 0o700)):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)


def files(source: Path, skip: Collection[str]) -> Iterator[tuple[Path, os.stat_result]]:
    """All below a folder but some (paths below it): folders before what is in them. What vanishes is left out."""
    for place, folders, names in os.walk(source):
        here = Path(place)
        folders[:] = sorted(each for each in folders if str((here / each).relative_to(source)) not in skip)
        for name in (*folders, *sorted(names)):
            each = here / name
            if str(each.relative_to(source)) in skip:
                continue
            try:
                yield each, each.lstat()
            except FileNotFoundError:
                continue


def gather(source: Path, target: Path, skip: Collection[str]) -> list[Staged]:
    """Copy and link a folder's files, with their owners and modes; returns those that are links.

    What is there already from an earlier call stays, unless it was copied: then it is copied again.
    """
    linked = []
    _like(source.lstat(), target, folder=True)
    for each, info in files(source, skip):
        name = str(each.relative_to(source))
        goal = target / name
        try:
            if stat.S_ISDIR(info.st_mode):
                _like(info, goal, folder=True)
            elif stat.S_ISLNK(info.st_mode):
                goal.unlink(missing_ok=True)
                goal.symlink_to(each.readlink())
            elif stat.S_ISREG(info.st_mode) and info.st_size >= LINKED:
                if goal.exists() and not goal.samefile(each):
                    goal.unlink()
                if not goal.exists():
                    os.link(each, goal)
                linked.append(Staged(name, info.st_size, info.st_mtime_ns))
            elif stat.S_ISREG(info.st_mode):
                # Not over an earlier link: that would change the cloud's own file.
                goal.unlink(missing_ok=True)
                shutil.copyfile(each, goal)
                _like(info, goal)
                os.utime(goal, ns=(info.st_mtime_ns, info.st_mtime_ns))
        except FileNotFoundError:
            continue  # deleted meanwhile
    return linked


def _like(info: os.stat_result, target: Path, *, folder: bool = False) -> None:
    if folder:
        target.mkdir(parents=True, exist_ok=True)
    os.chown(target, info.st_uid, info.st_gid)
    target.chmod(stat.S_IMODE(info.st_mode))


def changed(folder: Path, linked: Collection[Staged]) -> list[str]:
    """Which of the links were written to since they were made: what was stored of them may be neither the old nor the
    new content. Images that are being uploaded are no part of a backup yet."""
    found = []
    for each in linked:
        if each.name.startswith(NEVER_CHANGES):
            continue
        info = (folder / each.name).stat()
        if (info.st_size, info.st_mtime_ns) != (each.size, each.changed):
            found.append(each.name)
    return found
