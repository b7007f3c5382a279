"""Stops a cloud (`down`), and removes it without a trace (`destroy`), also after an `up` that failed halfway."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from onestack.core import contract
from onestack.core.errors import OneStackError, PermanentError
from onestack.core.events import Emit, step
from onestack.core.graph import on_each
from onestack.core.paths import Paths
from onestack.host import (
    disks,
    firewall,
    loopback_address,
    namespace,
    nat,
    network,
    processes,
    systemd,
    underlay,
)
from onestack.host.command import run
from onestack.host.supervisor import Supervisor
from onestack.platform import catalogue, layout, site, stop_order, watchers
from onestack.platform.infrastructure import ovn, virtual_address

if TYPE_CHECKING:
    from onestack.platform.hosts.remote import RemoteHost

GUEST_SECONDS = 20.0
"""How long guests may take to shut down by themselves."""


def down(paths: Paths, emit: Emit, *, keep_guests: bool = False, patience: float = GUEST_SECONDS) -> None:
    """Stop everything in order; all data stays. With `keep_guests`, guests and the switches keep running.

    `patience`: seconds that guests have to shut down by themselves.
    """
    supervisor = Supervisor(paths)
    running = stop_watchers(supervisor)
    if services := services_of(paths, running):
        with step("services", emit) as at:
            stop_all(supervisor, services)
            at.outcome = ", ".join(services)
    if not keep_guests:
        shut_down_guests(paths, emit, patience)
    if not keep_guests:
        # Before ovs-vswitchd stops: without it this host is not reachable through that NIC.
        underlay.restore(paths)
    with step("infrastructure", emit):
        for row in infrastructure(paths, without_guests=keep_guests):
            stop_all(supervisor, [name for name in row if name in running])
    if keep_guests:
        return
    drop_virtual_address(paths)
    with step("what is left", emit):
        supervisor.end()
        left = processes.end(lambda: processes.of_cloud(paths.run), seconds=10)
        if left:
            raise PermanentError(f"processes that do not end: {', '.join(str(each.pid) for each in left)}")
        remove_nat(paths)
        firewall.switch_off(paths)
        # Without the cloud's namespace, interfaces of these names belong to another program.
        if namespace.exists(paths) and network.shared_with_machine(paths):
            # The bridges of the kernel's datapath, if it is used, disappear only with this command.
            run(namespace.enter(paths, ["ovs-dpctl", "del-dp", "ovs-system"]), seconds=15, check=False)
            network.delete([*interfaces(), *taps(paths)])
        namespace.remove(paths)
        systemd.ended(paths)


def end_guests_first(paths: Paths, others: Sequence[RemoteHost], emit: Emit, *, keep_guests: bool) -> None:
    """With guests' disks in Ceph on several hosts: end all guests before any host stops its part of Ceph, so that
    they can write down what they have in memory."""
    if keep_guests or not others or site.load(paths).view.cloud.ceph is None:
        return
    on_each(others, lambda host: host.end_guests(emit))
    end_guests(paths, emit)


def end_guests(paths: Paths, emit: Emit, patience: float = GUEST_SECONDS) -> None:
    """Stop OpenStack's services here, and have guests shut down; what is beneath goes on."""
    supervisor = Supervisor(paths)
    stop_all(supervisor, services_of(paths, stop_watchers(supervisor)))
    shut_down_guests(paths, emit, patience)


def stop_watchers(supervisor: Supervisor) -> set[str]:
    """Stop the watchers, which would restart processes that are being stopped; the names of the others that run."""
    running = {name for name, each in supervisor.programs().items() if each.pid}
    for name in watchers.NAMES:
        if name in running:
            supervisor.stop(name)
    return running - {*watchers.NAMES}


def services_of(paths: Paths, running: Collection[str]) -> list[str]:
    """Those of the running processes that are OpenStack's services, not the infrastructure beneath them."""
    return sorted({*running} - {name for row in infrastructure(paths) for name in row})


def infrastructure(paths: Paths, *, without_guests: bool = False) -> list[list[str]]:
    """The names of the infrastructure services' processes, in rows in which they stop; none without a stored spec.

    `without_guests`: only those that running guests do not need.
    """
    try:
        view = site.load(paths).view
    except OneStackError:
        return []
    declared = catalogue.infrastructure(view)
    if without_guests:
        declared = [each for each in declared if not each.stays_with_guests]
    names = {process.name for each in declared for process in each.processes(view)}
    return stop_order.rows(
        [each for each in layout.processes(view) if each.name in names], layout.steps(view)
    )


def leave_tree(paths: Paths, tree: str, emit: Emit) -> None:
    """Stop what runs in a tree beside the base, and release its namespace. All else goes on."""
    handle = namespace.mount_handle(paths, tree)
    with step(f"what runs in {tree}", emit) as at:
        supervisor = Supervisor(paths)
        there = {each.pid for each in processes.rooted_in(handle)}
        names = sorted(name for name, each in supervisor.programs().items() if each.pid in there)
        stop_all(supervisor, names)
        if left := processes.end(lambda: processes.rooted_in(handle)):
            raise PermanentError(f"processes that do not end: {', '.join(str(each.pid) for each in left)}")
        namespace.remove_tree(paths, tree)
        at.outcome = f"stopped: {', '.join(names)}" if names else ""


def drop_virtual_address(paths: Paths) -> None:
    """Remove the virtual address of the APIs from all interfaces: a keepalived that was killed has left it, too."""
    try:
        address = site.load(paths).view.cloud.address
    except (OneStackError, OSError, ValueError):
        return
    if address:
        loopback_address.remove(address, paths.lib / virtual_address.RECORD.removeprefix(f"{contract.LIB}/"))


def remove_nat(paths: Paths) -> None:
    """Remove the NAT for guests, and restore the machine's settings."""
    saved = nat.read(paths)
    if saved and saved.isolated:
        # The rules disappear with the network namespace.
        nat.forget(paths)
    else:
        nat.switch_off(paths)


def stop_all(supervisor: Supervisor, names: list[str], seconds: float = 90) -> None:
    """Send all of them the signal to stop, then wait for all. Raises PermanentError after `seconds`."""
    for name in names:
        supervisor.stop(name, wait=False)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        programs = supervisor.programs()
        if not any(programs[name].pid for name in names if name in programs):
            return
        time.sleep(0.1)
    raise PermanentError(f"did not stop within {seconds:.0f} s: {', '.join(names)}")


def shut_down_guests(paths: Paths, emit: Emit, patience: float) -> None:
    """Have every guest shut down by itself, and kill those that do not in time."""

    def guests() -> list[processes.Proc]:
        return [each for each in processes.inside(paths.run) if each.is_guest]

    if not (running := guests()):
        return
    virsh = namespace.enter(paths, ["virsh", "--connect", "qemu:///system"])
    with step("guests", emit) as at:
        domains = run([*virsh, "list", "--uuid"], seconds=20, check=False).split() if patience else []
        for domain in domains:
            run([*virsh, "shutdown", domain], seconds=20, check=False)
        deadline = time.monotonic() + (patience if domains else 0)
        while guests() and time.monotonic() < deadline:
            time.sleep(0.2)
        late = guests()
        processes.end(guests, seconds=5)
        at.outcome = f"{len(running)} shut down" + (f", {len(late)} of them by force" if late else "")


def interfaces() -> list[str]:
    """The names of a cloud's interfaces on the machine."""
    return [
        network.HERE,
        *ovn.interfaces_of_bridges("netdev"),
        *ovn.interfaces_of_bridges("system"),
    ]


def taps(paths: Paths) -> list[str]:
    """The names of guests' and balancers' interfaces on the machine, from Open vSwitch's database file."""
    query = ["Open_vSwitch", {"op": "select", "table": "Interface", "where": [], "columns": ["name"]}]
    argv = ["ovsdb-tool", "query", ovn.CONFIGURATION, json.dumps(query)]
    try:
        rows = json.loads(run(namespace.enter(paths, argv), seconds=15))[0]["rows"]
    except (PermanentError, ValueError, LookupError):
        # An interrupted `up` has not created the database yet.
        return []
    # The database also has interfaces of the machine that the spec plugs into a bridge; those stay.
    return [row["name"] for row in rows if row["name"].startswith(("tap", contract.BALANCER_PREFIX))]


def kept_elsewhere(paths: Paths) -> list[str]:
    """The storage outside of the cloud's own folders that contains volumes, in words."""
    try:
        platform = site.load(paths).spec.platform
    except (OneStackError, OSError, ValueError, TypeError):
        return []  # an `up` that was interrupted before there were volumes
    if "block-storage" not in platform.services:
        return []
    backends = platform.backends
    groups = [f"the volume group '{each.volume_group}'" for each in backends if each.volume_group]
    return groups + [f"the Ceph pool '{each.ceph.name}'" for each in backends if each.ceph]


def destroy(paths: Paths, emit: Emit, *, purge: bool = False) -> list[str]:
    """Remove a cloud completely. Returns the folders that were removed; raises PermanentError if anything is left."""
    elsewhere = kept_elsewhere(paths)
    down(paths, emit, patience=0)
    removed = []
    with step("files", emit) as at:
        systemd.remove(paths)
        given_back = disks.release(paths)
        for folder in (paths.run, paths.etc, paths.lib, paths.log):
            if folder.exists():
                shutil.rmtree(folder)
                removed.append(str(folder))
        removed += given_back
        if not paths.is_default:
            remove_empty_parents(paths)
        if purge and paths.cache.exists():
            shutil.rmtree(paths.cache)
            removed.append(str(paths.cache))
        at.outcome = ", ".join(removed)
        for place in elsewhere:
            at.note(f"the volumes in {place} are not deleted: their data may exist nowhere else")
    with step("check", emit):
        if left := remains(paths):
            raise PermanentError(
                "something is left", detail="\n".join(left), hint="run `onestack destroy` again"
            )
    return removed


def remove_empty_parents(paths: Paths) -> None:
    """Remove etc, var, run and the root itself if they are empty."""
    for folder in (paths.run, paths.etc, paths.lib, paths.log):
        for parent in folder.parents:
            if not parent.is_relative_to(paths.root) or not parent.exists() or any(parent.iterdir()):
                break
            try:
                parent.rmdir()
            except OSError:  # a mount point, such as a root on a disk of its own
                break


def remains(paths: Paths) -> list[str]:
    """What is left of a cloud, in words."""
    found = [f"process {each.pid} ({each.program})" for each in processes.of_cloud(paths.run)]
    found += [f"folder {each}" for each in (paths.run, paths.etc, paths.lib, paths.log) if each.exists()]
    found += [f"mount {each}" for each in namespace.mount_points() if _is_below(each, paths)]
    if network.shared_with_machine(paths) and paths.is_default:
        existing = network.interfaces()
        found += [f"interface {each}" for each in interfaces() if each in existing]
    return found


def _is_below(mount: Path, paths: Paths) -> bool:
    return any(mount.is_relative_to(each) for each in (paths.run, paths.etc, paths.lib, paths.log))
