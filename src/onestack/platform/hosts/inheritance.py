"""What a new leader sees to once the cloud runs again: what the lost one had is used by others, or is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from onestack.core.events import Emit, Event, silent, step
from onestack.platform import connect, initial_resources, northbound
from onestack.platform.fetch import fetch
from onestack.platform.infrastructure import ovn, ovn_databases
from onestack.platform.services import _common as common
from onestack.platform.services import image
from onestack.platform.site import Site
from onestack.platform.up import trees_of

_GATEWAYS = (
    ("HA_Chassis_Group", "ha_chassis", "HA_Chassis"),
    ("Logical_Router_Port", "gateway_chassis", "Gateway_Chassis"),
)
"""The tables of OVN's northbound database that say on which hosts gateways are: Neutron's of 2026.2 and its former
one's; each with the table and column that own the rows."""
MOST_NAMED = 5
"""So many lost images or volumes are named."""


def take_up(found: Site, former: str, emit: Emit) -> None:
    """Have gateways leave the lost leader, take over its volumes in Ceph, and say what is lost with it. Raises
    OneStackError, SDKException."""
    services = found.view.cloud.services
    if "network" in services:
        _leave_chassis(found, former, emit)
    if "image" in services and found.view.cloud.ceph is None:
        _look_at_images(found, emit)
    if "block-storage" in services:
        _take_volumes(found, former, emit)


def _leave_chassis(found: Site, former: str, emit: Emit) -> None:
    """Remove the lost host's chassis, and have the gateways that were there alone be on the host that is the external
    network's gateway now. The chassis is there again as soon as the host is.

    Neutron does the second, too, when it hears of the first; but which of its processes hears of it is decided by
    a list that has those of a lost host for another minute.
    """
    node, to = found.here, ovn.gateway_host(found.view)
    with step("gateways", emit) as at:
        node.inside([*ovn_databases.SOUTH_CTL, "--if-exists", "chassis-del", former])
        moved = 0
        for owner, column, table in _GATEWAYS if to else ():
            owned = northbound.rows(node.inside(northbound.listed(owner, column)))
            listed = northbound.rows(node.inside(northbound.listed(table, "_uuid", "chassis_name")))
            hosts = {row[0]: row[1] for row in listed}
            alone = alone_on(former, [row[0].split() for row in owned], hosts)
            for ident in alone:
                node.inside([*northbound.CTL, "set", table, ident, f"chassis_name={to}"])
            moved += len(alone)
        at.outcome = f"{moved} leave {former}"


def alone_on(host: str, groups: Iterable[Sequence[str]], hosts: Mapping[str, str]) -> list[str]:
    """The gateways' rows that name a host, where no other host can take over. `groups`: the rows of each gateway;
    `hosts`: what each row names. Pure."""
    found = {row for group in groups if {hosts.get(row) for row in group} == {host} for row in group}
    return sorted(found)


def _look_at_images(found: Site, emit: Emit) -> None:
    """Make our own image again, and name the others."""
    admin = connect.connection(found)
    folder = found.here.outside(image.FOLDER)
    listed = admin.image.images(visibility="all", status="active")
    lost = [each for each in listed if not (folder / each.id).exists()]
    own = [each for each in lost if each.name == initial_resources.IMAGE]
    for each in own:
        admin.image.delete_image(each.id)
    if own:
        with step("image", emit) as at:
            trees = trees_of(found.spec, found.here.name)
            file = fetch(found.paths, found.spec.platform, silent, trees=trees).image
            initial_resources.image(found, admin, file)
            at.outcome = f"{initial_resources.IMAGE} is there again"
    _say("images", [each.name or each.id for each in lost if each not in own], emit)


def _take_volumes(found: Site, former: str, emit: Emit) -> None:
    """Have this host's Cinder manage the volumes in Ceph that the lost one managed, and name the others.

    Cinder writes HOST@BACKEND#POOL to each volume, HOST to each backup.
    """
    in_ceph = {each.name for each in found.view.cloud.volume_backends if each.ceph}
    own, lost = set(), []
    for volume in connect.connection(found).block_storage.volumes(all_projects=True):
        host, _, place = (volume.host or "").partition("@")
        if host == former and place.partition("#")[0] in in_ceph:
            own.add(place)
        elif host == former:
            lost.append(volume.name or volume.id)
    here = found.here.name
    if in_ceph:
        with step("volumes in Ceph", emit) as at:
            for place in sorted(own):
                hosts = (f"--currenthost={former}@{place}", f"--newhost={here}@{place}")
                found.here.inside(common.tool("cinder-manage", "volume", "update_host", *hosts), seconds=120)
            hosts = (f"--currenthost={former}", f"--newhost={here}")
            words = ("cinder-manage", "backup", "update_backup_host", *hosts)
            found.here.inside(common.tool(*words), seconds=120)
            at.outcome = f"managed by {here}"
    _say("volumes", lost, emit)


def _say(kind: str, names: list[str], emit: Emit) -> None:
    if names:
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        text = (
            f"{len(names)} {kind} were files of the lost host: {', '.join(sorted(names)[:MOST_NAMED])}{more}"
        )
        emit(Event(kind, "noted", text))
