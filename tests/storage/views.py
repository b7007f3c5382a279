"""Clouds with a managed Ceph, seen from each of their hosts. Nobody brings them up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hosts.conftest import views
from onestack.platform import catalogue, layout
from onestack.platform.services import CATALOGUE
from onestack.platform.view import DiskView, ManagedCeph, View

GIB = 1 << 30
THREE = {
    "c1": frozenset({"control", "network", "compute", "storage"}),
    "s2": frozenset({"compute", "storage"}),
    "s3": frozenset({"storage"}),
    "n1": frozenset({"compute"}),
}


def stored(
    roles: Mapping[str, frozenset[str]] = THREE, monitors: tuple[str, ...] = ("c1", "s2", "s3")
) -> Mapping[str, View]:
    """By host. Each with the role storage has a file, s2 a device too."""
    plain = views(roles)
    hosts = []
    for each in plain["c1"].hosts:
        given = (DiskView("srv-osd", "/srv/osd", 10 * GIB),) if "storage" in each.roles else ()
        given += (DiskView("sdb", "/dev/sdb"),) if each.name == "s2" else ()
        hosts.append(replace(each, disks=given))
    secrets = {name: f"secret-of-{name}" for name in catalogue.secret_names(CATALOGUE, hosts)}
    cloud = replace(plain["c1"].cloud, ceph=ManagedCeph(monitors), secrets=secrets)
    first = next(each for each in hosts if each.name == "c1")
    others = tuple(each for each in hosts if each is not first)
    return {each.here.name: each for each in layout.views(View(cloud, first, others))}
