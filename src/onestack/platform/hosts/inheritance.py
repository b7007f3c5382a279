"""What a new leader sees to once the cloud runs again: what the lost one had is used by others, or is gone."""

from __future__ import annotations

from onestack.core.events import Emit, Event, silent, step
from onestack.platform import connect, initial_resources
from onestack.platform.fetch import fetch
from onestack.platform.infrastructure import ovn_databases
from onestack.platform.services import _common as common
from onestack.platform.services import image
from onestack.platform.site import Site
from onestack.platform.up import trees_of

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
    """Remove the lost host's chassis: Neutron then gives other hosts the routers' gateways. It is there again as
    soon as the host is."""
    with step("gateways", emit) as at:
        found.here.inside([*ovn_databases.SOUTH_CTL, "--if-exists", "chassis-del", former])
        at.outcome = f"leave {former}"


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
