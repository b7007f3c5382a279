"""What a changed spec means for data: what is refused, and disks that are emptied before they are taken away.

A disk leaves in three steps: Ceph copies what is on it to others, its process ends with the next `up`, and then the
cluster forgets it. Each of them is safe to repeat.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from onestack.core.errors import BadInput, OneStackError, PermanentError
from onestack.core.events import Emit, step
from onestack.core.paths import Paths
from onestack.core.wait import until
from onestack.host.command import CommandFailed
from onestack.platform import managed_ceph, site
from onestack.platform.infrastructure.ceph import ask, data
from onestack.spec import Spec, storage
from onestack.spec import load as load_spec

if TYPE_CHECKING:
    from onestack.platform.site import Site
    from onestack.platform.view import View

STANDSTILL_SECONDS = 600.0
"""How long the emptying of a disk may make no progress."""
ROOM = 0.8
"""The share of the other disks' space that may be in use afterwards."""


def require_possible(paths: Paths, spec: Spec) -> None:
    """Raises BadInput where a cloud's images and servers' disks would have to move between files and Ceph."""
    kept = site.spec_file(paths)
    if not kept.exists() or not (paths.data / "glance").exists():
        return
    try:
        before = load_spec(kept).platform.storage.ceph
    except OneStackError:
        return
    wanted = spec.platform.storage.ceph
    if before != wanted:
        now, then = ("Ceph", "files") if before else ("files", "Ceph")
        raise BadInput(
            f"this cloud has its images, servers' disks and backups in {now}: they cannot be moved to {then} yet",
            where=spec.place_of("platform", "storage", "ceph"),
            hint="leave platform.storage as it was, or bring up another cloud and copy what is needed",
        )


def leave(paths: Paths, spec: Spec, emit: Emit) -> None:
    """Empty the disks that the spec no longer gives, before anything is changed. Raises BadInput, PermanentError."""
    kept = site.spec_file(paths)
    if not kept.exists() or spec.platform.storage.ceph is None:
        return
    try:
        found = site.load(paths)
    except OneStackError:
        return
    wanted = {(host.name, str(disk.path)) for host in storage.hosts(spec) for disk in host.disks}
    gone = [
        (host.name, disk.path)
        for host in found.view.storage
        for disk in host.disks
        if (host.name, disk.path) not in wanted
    ]
    if gone:
        empty(found, gone, emit)


def leave_host(found: Site, name: str, emit: Emit) -> None:
    """Empty all disks of a host that is to be removed."""
    gone = [(each.name, disk.path) for each in found.view.storage for disk in each.disks if each.name == name]
    if gone:
        empty(found, gone, emit)


def empty(found: Site, gone: Collection[tuple[str, str]], emit: Emit) -> None:
    """Have Ceph copy what is on these disks (host, path) to others, and wait until no data would be lost with them.

    Raises PermanentError where the others cannot take it; nothing is changed then.
    """
    view, node = found.view, found.leader
    left = {host.name for host in view.storage for disk in host.disks if (host.name, disk.path) not in gone}
    words = ", ".join(f"{path} of {host}" for host, path in gone)
    try:
        pools, dump, space = (
            data(node, *asked) for asked in (("osd", "pool", "ls", "detail"), ("osd", "dump"), ("osd", "df"))
        )
    except CommandFailed as failed:
        raise PermanentError(
            f"Ceph does not answer, so {words} cannot be emptied",
            detail=failed.detail,
            hint="bring the cloud up with these disks first (`onestack up` without a file)",
        ) from failed
    copies = max((pool["size"] for pool in pools), default=1)
    if len(left) < copies:
        raise PermanentError(
            f"{words} cannot be given up: storage hosts left: {len(left)}, copies of all data: {copies}",
            hint="take on another storage host first; nothing was changed",
        )
    numbers = leaving(view, dump, gone)
    if not numbers:
        return
    require_room(space, numbers, words)
    ids = [str(each) for each in numbers]
    with step(f"empty {words}", emit) as at:
        ask(node, "osd", "out", *ids)
        seen = ""

        def safe() -> tuple[bool, str]:
            try:
                ask(node, "osd", "safe-to-destroy", *ids)
            except CommandFailed as failed:
                return False, failed.detail.splitlines()[-1] if failed.detail else failed.summary
            return True, "no data is only there"

        def moving() -> bool:
            nonlocal seen
            groups = data(node, "status")["pgmap"]
            now = f"{groups.get('misplaced_objects', 0)} objects to move"
            moved, seen = now != seen, now
            at.progress(now)
            return moved

        until(
            f"Ceph to copy what is on {words}",
            safe,
            seconds=STANDSTILL_SECONDS,
            every=2,
            working=moving,
        )
        at.outcome = "empty"


def leaving(view: View, dump: dict[str, Any], gone: Collection[tuple[str, str]]) -> list[int]:
    """The numbers of the OSDs on these disks."""
    ids = {each["uuid"]: each["osd"] for each in dump["osds"]}
    uuids = {
        managed_ceph.osd_uuid(view, host.name, disk)
        for host in view.storage
        for disk in host.disks
        if (host.name, disk.path) in gone
    }
    return sorted(ids[each] for each in uuids if each in ids)


def require_room(space: dict[str, Any], numbers: Collection[int], words: str) -> None:
    """Raises PermanentError where what is on these OSDs has no room on the others. `space`: of `osd df`."""
    rows = {each["id"]: each for each in space["nodes"]}
    moved = sum(rows[each]["kb_used"] for each in numbers if each in rows)
    others = [row for number, row in rows.items() if number not in numbers]
    size, used = sum(row["kb"] for row in others), sum(row["kb_used"] for row in others)
    if used + moved > ROOM * size:
        raise PermanentError(
            f"what is on {words} has no room on the other disks: {(used + moved) >> 20} of {size >> 20} GiB would"
            f" be in use, more than {ROOM:.0%}",
            hint="add disks first; nothing was changed",
        )
