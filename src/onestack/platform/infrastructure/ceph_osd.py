"""Ceph's OSDs: one for each disk that a host gives, a device or a file, which holds data in Ceph's own format."""

from __future__ import annotations

import json
import shutil
from functools import partial
from typing import TYPE_CHECKING

from onestack.core.events import Emit, step
from onestack.host import disks
from onestack.host.machine import File
from onestack.host.namespace import DISKS
from onestack.platform import managed_ceph, owned
from onestack.platform.infrastructure import ceph_mgr, ceph_mon
from onestack.platform.managed_ceph import (
    AS_USER,
    CONF,
    FILES_STEP,
    GIVEN,
    HOME,
    KEYS,
    SOCKETS,
    TREE,
    USER,
    USERS_STEP,
)
from onestack.platform.shape import (
    STORAGE,
    Folder,
    InfrastructureService,
    Process,
    Ready,
    Step,
    leader,
    local,
)
from onestack.platform.view import DiskView, HostView, View

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

NAME = "ceph-osd"
DISKS_STEP = "ceph disks"
OSDS = f"{HOME}/osd"
"""A folder for each disk: what its OSD is called, and its key."""
# The OSD's number is the cluster's to give, and is in its folder.
_START = 'exec ceph-osd -f -c "$1" -i "$(cat "$2/whoami")" --osd-data "$2" --admin-socket "$3"'


def name(disk: DiskView) -> str:
    """The name of a disk's process: ceph-osd-sdb."""
    return f"{NAME}-{disk.name}"


def names(host: HostView) -> list[str]:
    """The names of a host's OSD processes."""
    return [name(each) for each in host.disks]


def is_here(view: View) -> bool:
    """Whether this host stores data."""
    return view.here in view.storage


def files(view: View) -> dict[str, str]:
    """What all of a storage host's daemons read, and the keys with which its OSDs are made."""
    found = {
        CONF: managed_ceph.daemon_conf(view),
        f"{GIVEN}/bootstrap.keyring": managed_ceph.keyring(view, managed_ceph.BOOTSTRAPPER),
    }
    for each in view.here.disks:
        secret = {"cephx_secret": managed_ceph.osd_key(view, each)}
        found[f"{GIVEN}/osd-{each.name}.json"] = json.dumps(secret)
    return found


def processes(view: View) -> tuple[Process, ...]:
    return tuple(map(partial(_process, view), view.here.disks)) if is_here(view) else ()


def _process(view: View, disk: DiskView) -> Process:
    socket = f"{SOCKETS}/{name(disk)}.asok"
    return Process(
        name(disk),
        (*AS_USER, "bash", "-c", _START, "bash", CONF, f"{OSDS}/{disk.name}", socket),
        Ready(socket=socket, seconds=180),
        needs=local(DISKS_STEP),
        roles=STORAGE,
        reads=(CONF,),
        # It writes down what it has in memory.
        stop_seconds=60,
        tree=TREE,
    )


def give_files(site: Site, node: Node, emit: Emit) -> None:
    """Give the daemons' user the keyrings that are this host's, and take away a monitor's store without a monitor."""
    owned.folder(node, KEYS, USER, USER, 0o700, TREE)
    given = node.paths.etc / GIVEN
    view = site.view_of(node)
    wanted = {each: text for each, text in _given(view).items() if each.startswith(f"{GIVEN}/")}
    for left in given.iterdir():
        if f"{GIVEN}/{left.name}" not in wanted:
            left.unlink()
    kept = {each.rpartition("/")[2]: text for each, text in wanted.items()}
    for left in node.outside(KEYS).iterdir():
        if left.name not in kept:
            left.unlink()
    ready = {f"{KEYS}/{each}": File(text.encode(), 0o400) for each, text in kept.items()}
    owned.write(node, ready, USER, USER, TREE)
    if not ceph_mon.is_here(view):
        # One that comes back must not know the monitors of former times.
        shutil.rmtree(node.outside(ceph_mon.STORE), ignore_errors=True)


def _given(view: View) -> dict[str, str]:
    """The files of all of Ceph's daemons on this host."""
    found = files(view)
    for each in (ceph_mon, ceph_mgr):
        found |= each.files(view) if each.is_here(view) else {}
    return found


def make(site: Site, node: Node, emit: Emit) -> None:
    """Make the OSD of each disk that has none yet."""
    view = site.view_of(node)
    for disk in view.here.disks:
        if not disks.is_made(node.outside(f"{OSDS}/{disk.name}")):
            with step(f"disk {disk.path}", emit) as at:
                at.outcome = f"OSD {_make(view, node, disk)}"


def _make(view: View, node: Node, disk: DiskView) -> str:
    """Register an OSD and make its empty store; returns its number. Idempotent."""
    place, ident = f"{OSDS}/{disk.name}", managed_ceph.osd_uuid(view, view.here.name, disk)
    owned.folder(node, place, USER, USER, 0o700, TREE)
    admin = ("-n", managed_ceph.BOOTSTRAPPER.entity, "-k", f"{KEYS}/bootstrap.keyring")
    words = ("osd", "new", ident, "-i", f"{KEYS}/osd-{disk.name}.json")
    said = node.inside(
        [*AS_USER, "ceph", "-c", CONF, "--connect-timeout", "20", *admin, *words], seconds=60, tree=TREE
    )
    number = said.split()[-1]
    key = managed_ceph.osd_key(view, disk)
    keyring = File(f"[osd.{number}]\n\tkey = {key}\n".encode(), 0o600)
    owned.write(node, {f"{place}/keyring": keyring}, USER, USER, TREE)
    device = ("--osd-data", place, "--bluestore-block-path", f"{DISKS}/{disk.name}")
    node.inside(
        [*AS_USER, NAME, "-c", CONF, "-i", number, "--mkfs", "--osd-uuid", ident, *device],
        seconds=240,
        patient=True,
        log=name(disk),
        tree=TREE,
    )
    node.outside(f"{place}/made").touch()
    return number


def steps(view: View) -> tuple[Step, ...]:
    if not is_here(view):
        return ()
    return (
        Step(FILES_STEP, give_files, roles=STORAGE),
        Step(DISKS_STEP, make, (*local(FILES_STEP), *leader(USERS_STEP)), roles=STORAGE),
    )


SERVICE = InfrastructureService(
    NAME,
    processes,
    files,
    steps,
    folders=(
        Folder(HOME, USER, USER, 0o750, TREE),
        Folder(OSDS, USER, USER, 0o750, TREE),
        Folder(f"{HOME}/crash", USER, USER, 0o750, TREE),
        Folder(SOCKETS, USER, USER, 0o750, TREE),
    ),
    stays_with_guests=True,
)
