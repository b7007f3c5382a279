"""Stopping a cloud, and taking it away without a trace; works on whatever a half-failed `up` left."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

from onestack.core import contract
from onestack.core.errors import OneStackError, PermanentError
from onestack.core.events import Emit, step
from onestack.core.paths import Paths
from onestack.host import namespace, nat, network, processes, systemd, underlay
from onestack.host.command import run
from onestack.host.supervisor import Supervisor
from onestack.platform import catalogue, layout, site, stop_order, watchers
from onestack.platform.infrastructure import ovn

GUEST_SECONDS = 20.0
"""How long guests may take to shut down by themselves."""


def down(paths: Paths, emit: Emit, *, keep_guests: bool = False, patience: float = GUEST_SECONDS) -> None:
    """Stop everything in order; all data stays. With `keep_guests`, guests and the switches go on.

    `patience`: seconds that guests have to shut down by themselves.
    """
    supervisor = Supervisor(paths)
    running = {name for name, each in supervisor.programs().items() if each.pid}
    # These first, or they would bring back what is being stopped.
    for name in watchers.NAMES:
        if name in running:
            supervisor.stop(name)
    beneath = infrastructure(paths)
    services = sorted(running - {name for row in beneath for name in row} - {*watchers.NAMES})
    if services:
        with step("services", emit) as at:
            stop_all(supervisor, services)
            at.outcome = ", ".join(services)
    if not keep_guests:
        shut_down_guests(paths, emit, patience)
    if not keep_guests:
        # Before ovs-vswitchd stops: without it nothing reaches this host by that NIC.
        underlay.give_back(paths)
    with step("infrastructure", emit):
        for row in infrastructure(paths, without_guests=keep_guests):
            stop_all(supervisor, [name for name in row if name in running])
    if keep_guests:
        return
    with step("what is left", emit):
        supervisor.end()
        left = processes.end(lambda: processes.of_cloud(paths.run), seconds=10)
        if left:
            raise PermanentError(f"processes that do not end: {', '.join(str(each.pid) for each in left)}")
        close_way_out(paths)
        # Without a namespace of ours, interfaces of these names would be somebody else's.
        if namespace.exists(paths) and network.shared_with_machine(paths):
            # Nothing but this takes the bridges out of the kernel's datapath, where that is used.
            run(namespace.enter(paths, ["ovs-dpctl", "del-dp", "ovs-system"]), seconds=15, check=False)
            network.part([*interfaces(), *taps(paths)])
        namespace.remove(paths)
        systemd.ended(paths)


def infrastructure(paths: Paths, *, without_guests: bool = False) -> list[list[str]]:
    """The names of the processes beneath OpenStack as they stop, row after row; none where the spec is not there.

    `without_guests`: only those that guests do without.
    """
    try:
        view = site.load(paths).view
    except OneStackError:
        return []
    found = catalogue.infrastructure(view)
    if without_guests:
        found = [each for each in found if not each.stays_with_guests]
    beneath = {process.name for each in found for process in each.processes(view)}
    return stop_order.rows(
        [each for each in layout.processes(view) if each.name in beneath], layout.steps(view)
    )


def close_way_out(paths: Paths) -> None:
    """Guests' way out ends with the interfaces it leads from; the machine's settings are as they were."""
    before = nat.read(paths)
    if before and before.isolated:
        # It goes away with the network namespace.
        nat.forget(paths)
    else:
        nat.switch_off(paths)


def stop_all(supervisor: Supervisor, names: list[str], seconds: float = 90) -> None:
    """Ask all to stop, then wait for all."""
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
    """Have every guest shut down by itself, and end those that do not in time."""

    def guests() -> list[processes.Proc]:
        return [each for each in processes.inside(paths.run) if each.is_guest]

    if not (there := guests()):
        return
    virsh = namespace.enter(paths, ["virsh", "--connect", "qemu:///system"])
    with step("guests", emit) as at:
        listed = run([*virsh, "list", "--uuid"], seconds=20, check=False).split() if patience else []
        for domain in listed:
            run([*virsh, "shutdown", domain], seconds=20, check=False)
        deadline = time.monotonic() + (patience if listed else 0)
        while guests() and time.monotonic() < deadline:
            time.sleep(0.2)
        late = guests()
        processes.end(guests, seconds=5)
        at.outcome = f"{len(there)} shut down" + (f", {len(late)} of them by force" if late else "")


def interfaces() -> list[str]:
    """The names of interfaces on the machine that are a cloud's."""
    return [
        network.HERE,
        *ovn.interfaces_of_bridges("netdev"),
        *ovn.interfaces_of_bridges("system"),
    ]


def taps(paths: Paths) -> list[str]:
    """The names of interfaces on the machine that are guests' or balancers', by the switch's own database."""
    question = ["Open_vSwitch", {"op": "select", "table": "Interface", "where": [], "columns": ["name"]}]
    argv = ["ovsdb-tool", "query", ovn.CONFIGURATION, json.dumps(question)]
    try:
        rows = json.loads(run(namespace.enter(paths, argv), seconds=15))[0]["rows"]
    except (PermanentError, ValueError, LookupError):
        # An `up` that was cut off before there was a switch.
        return []
    # An interface of the machine that the spec has plugged in is there too, and stays.
    return [row["name"] for row in rows if row["name"].startswith(("tap", contract.BALANCER_PREFIX))]


def kept_elsewhere(paths: Paths) -> list[str]:
    """Where volumes are that are not in the cloud's own folders."""
    try:
        platform = site.load(paths).spec.platform
    except (OneStackError, OSError, ValueError, TypeError):
        return []  # an `up` that was cut off before anything could be kept
    if "block-storage" not in platform.services:
        return []
    backends = platform.volumes.backends
    groups = [f"the volume group '{each.volume_group}'" for each in backends if each.volume_group]
    return groups + [f"the Ceph pool '{each.ceph.name}'" for each in backends if each.ceph]


def destroy(paths: Paths, emit: Emit, *, purge: bool = False) -> list[str]:
    """Remove everything of a cloud. Returns what was removed; raises PermanentError if anything is left."""
    elsewhere = kept_elsewhere(paths)
    down(paths, emit, patience=0)
    removed = []
    with step("files", emit) as at:
        systemd.remove(paths)
        for folder in (paths.run, paths.etc, paths.lib, paths.log):
            if folder.exists():
                shutil.rmtree(folder)
                removed.append(str(folder))
        if not paths.is_default:
            remove_empty_parents(paths)
        if purge and paths.cache.exists():
            shutil.rmtree(paths.cache)
            removed.append(str(paths.cache))
        at.outcome = ", ".join(removed)
        for place in elsewhere:
            at.note(f"what volumes held stays in {place}: it may be all that is left of somebody's work")
    with step("check", emit):
        if left := remains(paths):
            raise PermanentError(
                "something is left", detail="\n".join(left), hint="run `onestack destroy` again"
            )
    return removed


def remove_empty_parents(paths: Paths) -> None:
    """Remove etc, var, run and the root itself where nothing else lies in them."""
    for folder in (paths.run, paths.etc, paths.lib, paths.log):
        for parent in folder.parents:
            if not parent.is_relative_to(paths.root) or not parent.exists() or any(parent.iterdir()):
                break
            parent.rmdir()


def remains(paths: Paths) -> list[str]:
    """What is still there of a cloud, in words."""
    found = [f"process {each.pid} ({each.program})" for each in processes.of_cloud(paths.run)]
    found += [f"folder {each}" for each in (paths.run, paths.etc, paths.lib, paths.log) if each.exists()]
    found += [f"mount {each}" for each in namespace.mount_points() if _is_below(each, paths)]
    if network.shared_with_machine(paths) and paths.is_default:
        there = network.interfaces()
        found += [f"interface {each}" for each in interfaces() if each in there]
    return found


def _is_below(place: Path, paths: Paths) -> bool:
    return any(place.is_relative_to(each) for each in (paths.run, paths.etc, paths.lib, paths.log))
