"""Takes a host out of a running cloud; or puts another one in the place of a control host, also of a lost one.

A control host's members leave the clusters before the new one's join: with a member that never comes back counted,
three control hosts would bear no loss at all. Between both, two work together, and need each other.

Interrupted, it is run again; once the old host is out of the stored spec, `up` takes on the new one.
"""

from __future__ import annotations

from collections.abc import Sequence

from keystoneauth1.exceptions import ClientException
from openstack.exceptions import SDKException

from onestack.core.errors import PermanentError
from onestack.core.events import Emit, step
from onestack.core.paths import Paths
from onestack.core.wait import until
from onestack.host.files import replace_private
from onestack.host.lock import held
from onestack.platform import catalogue, site, up
from onestack.platform.hosts import cluster, control_hosts
from onestack.platform.hosts.operations import Hosts
from onestack.platform.hosts.remote import RemoteHost
from onestack.platform.site import Site
from onestack.spec import Spec

API_SECONDS = 60.0
"""How long the APIs may be away when a control host ends: another one takes their address within some seconds."""


def remove(paths: Paths, name: str, emit: Emit, *, wait: float, leave_unreachable: bool) -> None:
    """Empty a host, take it out of the cloud, and leave it as it was before. `up` tells the others afterwards.

    `leave_unreachable`: as in `up`. Raises BadInput, PermanentError.
    """
    hosts, purpose = Hosts(site.load(paths)), "host remove"
    hosts.require_removable(name)
    drain(hosts, name, emit)
    there = cluster.others(paths, purpose, emit, wait, leave_unreachable=leave_unreachable)
    with held(paths.lock, f"onestack {purpose}", seconds=wait), there as others:
        end(others, name, emit)
        hosts.unregister(name)
        cluster.forget(paths, name)


def replace(
    paths: Paths,
    wanted: Spec,
    text: str,
    name: str,
    other: str,
    emit: Emit,
    *,
    wait: float = 0.0,
    leave_unreachable: bool = False,
) -> None:
    """Take the control host `name` out of the cloud, so that `up` takes on `other` in its place.

    `wanted`, `text`: the spec with the new host, which is kept. `leave_unreachable`: as in `up`; so a host that is
    lost is replaced. Raises BadInput, PermanentError.
    """
    found = site.load(paths)
    found.require_leader()
    if wrong := control_hosts.unreplaceable(name, other, found.spec, wanted):
        raise wrong
    hosts, purpose = Hosts(found), "host replace"
    examine(paths, wanted, other, emit, purpose, wait=wait, leave_unreachable=leave_unreachable)
    drain(hosts, name, emit)
    there = cluster.others(paths, purpose, emit, wait, leave_unreachable=leave_unreachable)
    with held(paths.lock, f"onestack {purpose}", seconds=wait), there as others:
        require_majority(found, name, runs=any(each.name == name for each in others))
        end(others, name, emit)
        with step(f"{name} leaves the clusters", emit) as at:
            at.outcome = ", ".join(withdraw(found, name))
        until(
            "the APIs to answer",
            lambda: _answers(hosts, name),
            seconds=API_SECONDS,
            where=found.here.log("api-gateway"),
        )
        hosts.unregister(name)
        replace_private(site.spec_file(paths), text)


def drain(hosts: Hosts, name: str, emit: Emit) -> None:
    """Have Ceph copy what the host stores to others, and move its guests away, if it has any."""
    hosts.empty_disks(name, emit)
    if "compute" in hosts.spec_of(name).roles and hosts.runs_guests(name):
        hosts.drain(name, emit)


def end(others: Sequence[RemoteHost], name: str, emit: Emit) -> None:
    """Remove the host's part of the cloud, if it is reached."""
    for each in others:
        if each.name == name:
            each.destroy(emit, purge=False)


def require_majority(found: Site, name: str, *, runs: bool) -> None:
    """Raises PermanentError where a cluster would have no majority without the host. `runs`: whether it is reached,
    so that its members may be among those that work."""
    for each in catalogue.infrastructure(found.view):
        if each.members is None:
            continue
        members, size = each.members(found, found.here)
        if members - runs <= size // 2:
            raise PermanentError(
                f"{each.name} has {members} of {size} members: without {name} it would have no majority",
                hint="bring the other control hosts back first (`onestack up`); if it is this one that does not work,"
                " switch it off and use --leave-unreachable",
            )


def examine(
    paths: Paths, wanted: Spec, name: str, emit: Emit, purpose: str, *, wait: float, leave_unreachable: bool
) -> None:
    """Check a new host, and have the release's parts on it, while nothing else is changed. Raises BadInput,
    PermanentError."""
    joined = cluster.joined(paths, wanted, purpose, emit, wait, leave_unreachable=leave_unreachable)
    with joined as others, step(f"check of {name}", emit):
        new = next((each for each in others if each.name == name), None)
        if new is None:
            raise PermanentError(f"{name} cannot be reached, and is to become a control host")
        if name in [each.name for each in site.load(paths).hosts]:
            return  # what it has of the cloud serves until `up` gives it more
        new.choose(up.spec_for_others(wanted), emit, force=False, mirror=None)


def withdraw(found: Site, name: str) -> list[str]:
    """Take a host's members out of all clusters; the names of their infrastructure services."""
    gone = next(each for each in found.hosts if each.name == name)
    asked = [each for each in catalogue.infrastructure(found.view) if each.withdraw]
    for each in asked:
        assert each.withdraw is not None
        each.withdraw(found, found.here, gone)
    return [each.name for each in asked]


def _answers(hosts: Hosts, name: str) -> tuple[bool, str]:
    try:
        hosts.runs_guests(name)
    except (SDKException, ClientException, OSError) as error:
        return False, str(error)
    return True, ""
