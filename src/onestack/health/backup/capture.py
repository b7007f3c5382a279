"""Puts a consistent copy of a cloud that serves together in its staging folder.

In this order: the disks of running guests, then the databases, then all other files. What MariaDB knows at its moment
is then there as a file: files that are deleted meanwhile were linked before. What changes the files beneath a running
guest meanwhile (a snapshot of its volume) is noticed, and the capture is done again.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

from onestack.core import data as tool_data
from onestack.core.contract import LIB
from onestack.core.errors import BadInput, PermanentError
from onestack.core.events import Emit, step
from onestack.health.backup import contents, databases, guests
from onestack.health.backup.contents import Staged
from onestack.health.backup.manifest import FILE, Manifest, entries
from onestack.platform.infrastructure import mariadb
from onestack.platform.node import Node
from onestack.platform.owned import identities
from onestack.platform.site import Site

TRIES = 3
SPARE = 256 << 20
"""Bytes that stay free beside the copies."""


def require_running(site: Site) -> None:
    """Raises BadInput where what is asked for a copy does not run."""
    names = [mariadb.NAME]
    names += ["ovsdb"] if "network" in site.view.cloud.services else []
    programs = site.here.supervisor.programs()
    if missing := [each for each in names if each not in programs or not programs[each].pid]:
        raise BadInput(
            f"the cloud does not run ({', '.join(missing)})",
            hint="`onestack up` brings it back; a backup is made of a cloud that serves",
        )


def require_room(site: Site, disks: Mapping[str, list[guests.Disk]]) -> None:
    """Raises PermanentError where the copies would fill the disk of the cloud itself."""
    paths = site.paths
    files = [paths.data / "mysql", *(site.here.outside(d.file) for row in disks.values() for d in row)]
    needed = SPARE
    for each in files:
        found = each.rglob("*") if each.is_dir() else [each]
        needed += sum(part.stat().st_blocks * 512 for part in found if part.is_file())
    free = shutil.disk_usage(paths.data).free
    if free < needed:
        raise PermanentError(
            f"not enough disk space to copy databases and disks: {free >> 20} MiB free, {needed >> 20} MiB needed",
            where=str(paths.data),
            hint="free some; with platform.backup.guests: false servers' own disks are left out",
        )


def capture(site: Site, tree: Path, emit: Emit, *, with_guests: bool) -> tuple[Manifest, list[Staged]]:
    """Fill the staging folder; returns the manifest and the files that are links. The caller holds the cloud's lock.

    Raises BadInput, PermanentError, CommandFailed.
    """
    require_running(site)
    for _ in range(TRIES):
        begun = time.time()
        contents.clear(site.paths)
        contents.prepare(site.paths)
        if (linked := _once(site, tree, emit, with_guests=with_guests)) is not None:
            break
    else:
        raise PermanentError(
            "volumes of running servers were snapshotted or moved while they were copied",
            hint=f"it was tried {TRIES} times: run it again when that is done",
        )
    with step("manifest", emit) as at:
        staging = contents.staging(site.paths)
        base = site.here.tree("")
        made = Manifest(
            cloud=site.spec.name,
            release=site.spec.platform.release,
            host=site.here.name,
            root=str(site.paths.root),
            tool=tool_data.digest_of_code(),
            begun=begun,
            guests=with_guests,
            services=tuple(sorted(site.view.cloud.services)),
            users=identities(base / "etc/passwd"),
            groups=identities(base / "etc/group"),
            files=entries(staging),
        )
        (staging / FILE).write_text(made.text())
        at.outcome = f"{len(made.files)} files, {made.size / 1e6:.0f} MB"
    return made, linked


def _once(site: Site, tree: Path, emit: Emit, *, with_guests: bool) -> list[Staged] | None:
    """One capture; None where the files beneath a guest changed meanwhile."""
    paths, node = site.paths, site.leader
    staged = contents.staging(paths)
    data = staged / "data"
    running = _wanted(node, with_guests)
    require_room(site, running)
    skip = [*contents.LEFT_OUT, *([] if with_guests else [contents.INSTANCES])]
    contents.gather(paths.data, data, [*skip, *_names(running)])
    copied = _copy_disks(node, running, emit)
    with step("MariaDB", emit):
        target = data / "mysql"
        databases.copy_mariadb(node, tree, str(PurePosixPath(LIB) / target.relative_to(paths.data)))
    with step("OVN", emit):
        databases.copy_ovn(site, data / "ovn")
    with step("files", emit) as at:
        now = _wanted(node, with_guests)
        linked = contents.gather(paths.data, data, [*skip, *_names(running), *_names(now)])
        contents.gather(paths.etc, staged / "etc", contents.LEFT_OUT_OF_ETC)
        at.outcome = f"{len(linked)} of them images, volumes and disks"
    # Servers that were started, and volumes that were attached meanwhile.
    later = {
        domain: [disk for disk in row if disk not in running.get(domain, ())] for domain, row in now.items()
    }
    copied += _copy_disks(node, {domain: row for domain, row in later.items() if row}, emit)
    if disturbed([(each.domain, each.disk) for each in copied], now, _wanted(node, with_guests)):
        return None
    for each in copied:
        goal = data / PurePosixPath(each.disk.file).relative_to(LIB)
        goal.parent.mkdir(parents=True, exist_ok=True)
        goal.unlink(missing_ok=True)
        each.file.rename(goal)
    # A server that was stopped while its disks were to be copied: they are at rest now.
    done = {each.disk.file for each in copied}
    if any(f"{LIB}/{name}" not in done for name in (*_names(running), *_names(now))):
        linked = contents.gather(
            paths.data, data, [*skip, *(str(Path(name).relative_to(LIB)) for name in done)]
        )
    return linked


def disturbed(
    copied: Collection[tuple[str, guests.Disk]],
    seen: Mapping[str, Collection[guests.Disk]],
    now: Mapping[str, Collection[guests.Disk]],
) -> bool:
    """Whether what was captured does not fit together: a running guest writes to another file than the one that was
    copied (a snapshot was taken, or ended), or to one that was not known when files were linked (`seen`). Pure.

    A guest that ended meanwhile is no obstacle: its disks were copied as they were.
    """
    moved = any(domain in now and disk not in now[domain] for domain, disk in copied)
    unknown = any(disk not in seen.get(domain, ()) for domain, row in now.items() for disk in row)
    return moved or unknown


def _wanted(node: Node, with_guests: bool) -> dict[str, list[guests.Disk]]:
    instances = f"{LIB}/{contents.INSTANCES}"
    return {
        domain: [each for each in row if with_guests or not each.file.startswith(instances)]
        for domain, row in guests.running(node).items()
    }


def _names(running: Mapping[str, list[guests.Disk]]) -> list[str]:
    """Their files, below the cloud's data."""
    return [str(PurePosixPath(disk.file).relative_to(LIB)) for row in running.values() for disk in row]


def _copy_disks(node: Node, wanted: Mapping[str, list[guests.Disk]], emit: Emit) -> list[guests.Copied]:
    """Copies of the disks, without what their backing files have."""
    found: list[guests.Copied] = []
    if not any(wanted.values()):
        return found
    with step("disks of running servers", emit) as at:
        folder = f"{LIB}/{contents.disks(node.paths).relative_to(node.paths.data)}"
        for domain, row in wanted.items():
            at.progress(domain)
            for each in guests.copy(node, domain, row, folder) if row else ():
                found.append(guests.Copied(each.domain, each.disk, guests.thin(node, each)))
        at.outcome = f"{len(found)} disks"
    return found
