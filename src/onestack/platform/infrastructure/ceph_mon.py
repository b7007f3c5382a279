"""Ceph's monitors, on one storage host, or on three or five: they know what the cluster is made of.

One of them begins the cluster; all others copy the map of monitors from those that run, and join. So two that are cut
off from the rest, or whose disks were replaced, can never begin another cluster of the same name.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING

from onestack.core.events import Emit
from onestack.core.wait import until
from onestack.host.command import CommandFailed
from onestack.platform import managed_ceph, owned, readiness
from onestack.platform.managed_ceph import AS_USER, CONF, FILES_STEP, GIVEN, HOME, KEYS, SOCKETS, TREE, USER
from onestack.platform.shape import (
    STORAGE,
    Form,
    InfrastructureService,
    Need,
    Process,
    Ready,
    Step,
    leader,
    local,
)
from onestack.platform.view import HostView, View

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

NAME = "ceph-mon"
STORE_STEP = "monitor's store"
STORE = f"{HOME}/mon"
NEW = f"{HOME}/mon.new"
"""A store that is being made."""
MAP = f"{HOME}/monmap"
MEMBER = "member"
"""The state of a host with a store; empty without one."""
JOIN_SECONDS = 120.0


def is_here(view: View) -> bool:
    """Whether this host has a monitor."""
    return view.here.name in {each.name for each in managed_ceph.monitors(view)}


def files(view: View) -> dict[str, str]:
    users = (managed_ceph.MONITORS, managed_ceph.ADMINISTRATOR)
    return {f"{GIVEN}/mon.keyring": managed_ceph.keyring(view, *users)}


def processes(view: View) -> tuple[Process, ...]:
    if not is_here(view):
        return ()
    return (
        Process(
            NAME,
            (*AS_USER, NAME, "-f", "-c", CONF, "-i", view.here.name),
            Ready(socket=f"{SOCKETS}/mon.{view.here.name}.asok", seconds=90),
            needs=local(STORE_STEP),
            roles=STORAGE,
            reads=(CONF,),
            stop_seconds=30,
            tree=TREE,
        ),
    )


def members(view: View) -> frozenset[str]:
    """The hosts whose monitors form the cluster."""
    return frozenset(each.name for each in managed_ceph.monitors(view))


def state(site: Site, node: Node) -> str:
    """MEMBER, or empty without a store."""
    return MEMBER if node.outside(STORE).exists() else ""


def choose(states: Mapping[str, str], lead: str) -> str | None:
    """The host that begins the cluster, the leader if it has a monitor; None where there is a store."""
    if MEMBER in states.values():
        return None
    return max(sorted(states), key=lambda name: name == lead)


def begin(site: Site, node: Node, emit: Emit) -> None:
    """Make the store of the first monitor, which knows no others, and start it."""
    view = site.view_of(node)
    _fresh(node)
    ident = managed_ceph.fsid(view.cloud.secrets)
    node.inside(
        [
            *(*AS_USER, "monmaptool", "--create", "--clobber", "--fsid", ident),
            *("--addv", view.here.name, managed_ceph.address(view.here), MAP),
        ],
        tree=TREE,
    )
    _make(node, view.here)
    (process,) = processes(view)
    readiness.start(node, process, emit)


def ensure_store(site: Site, node: Node, emit: Emit) -> None:
    """Have a store: one that is new gets the map of those monitors that run, and is a copy of theirs once it has
    started. The address in the only monitor's own map follows the host's."""
    view = site.view_of(node)
    if not node.outside(STORE).exists():
        _fresh(node)
        until(
            "Ceph's monitors, which know the others",
            lambda: _map(node),
            seconds=JOIN_SECONDS,
            every=1,
            where=node.log(NAME),
        )
        _make(node, view.here)
        return
    program = node.supervisor.program(NAME)
    if not (program and program.pid):
        _follow_address(node, view.here)


def _map(node: Node) -> tuple[bool, str]:
    argv = ["ceph", "-c", CONF, "--connect-timeout", "10", "-n", "mon.", "-k", f"{KEYS}/mon.keyring"]
    try:
        return True, node.inside([*AS_USER, *argv, "mon", "getmap", "-o", MAP], seconds=20, tree=TREE)
    except CommandFailed as failed:
        return False, failed.detail.splitlines()[-1] if failed.detail else failed.summary


def _fresh(node: Node) -> None:
    shutil.rmtree(node.outside(NEW), ignore_errors=True)
    node.outside(MAP).unlink(missing_ok=True)
    owned.folder(node, NEW, USER, USER, 0o700, TREE)


def _make(node: Node, here: HostView) -> None:
    words = ("--mkfs", "-c", CONF, "-i", here.name, "--monmap", MAP, "--keyring", f"{KEYS}/mon.keyring")
    node.inside([*AS_USER, NAME, *words, "--mon-data", NEW], seconds=120, tree=TREE)
    # As a whole: what an `up` that was cut off has left is no store.
    node.outside(NEW).rename(node.outside(STORE))


def _follow_address(node: Node, here: HostView) -> None:
    """A cloud that grows from one host is reached by another address than loopback."""
    mon = [*AS_USER, NAME, "-c", CONF, "-i", here.name]
    node.inside([*mon, "--extract-monmap", MAP], seconds=60, tree=TREE)
    rows = node.inside(["monmaptool", "--print", MAP], tree=TREE).splitlines()
    monitors = [row for row in rows if " mon." in row]
    if len(monitors) != 1 or managed_ceph.address(here).strip("[]") in monitors[0]:
        return
    # In two steps: in one, what is added comes before what is removed.
    for change in (("--rm", here.name), ("--addv", here.name, managed_ceph.address(here))):
        node.inside([*AS_USER, "monmaptool", *change, MAP], tree=TREE)
    node.inside([*mon, "--inject-monmap", MAP], seconds=60, tree=TREE)


def steps(view: View) -> tuple[Step, ...]:
    if not is_here(view):
        return ()
    needed = (*local(FILES_STEP), *leader(Form.task(NAME)))
    return (Step(STORE_STEP, ensure_store, needed, roles=STORAGE),)


SERVICE = InfrastructureService(
    NAME,
    processes,
    files,
    steps,
    form=Form(state, choose, begin, needs=(Need(FILES_STEP, "all"),), members=members, whole=True),
    stays_with_guests=True,
)
