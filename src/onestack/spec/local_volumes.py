"""Volumes that are stored on one of several hosts: only servers on that host can use them.

Volumes in files and in volume groups are on the control host; those in a Ceph cluster are reached from all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from onestack.language.types import Problem

if TYPE_CHECKING:
    from onestack.spec.model import Spec
    from onestack.spec.tenants import Tenant
    from onestack.workloads.resources.server import Server

SHARED = "a volume type whose storage all hosts share"


def host(spec: Spec) -> str:
    """The host that stores such volumes; empty if it makes no difference."""
    platform = spec.platform
    # The fake driver's guests open no volume.
    if len(spec.hosts) < 2 or "block-storage" not in platform.services or platform.compute.fake_hosts:
        return ""
    return next((each.name for each in spec.control_hosts), "")


def of_volume(spec: Spec, tenant: Tenant, volume: str) -> str:
    """The host whose servers alone can use one of a tenant's volumes, or empty."""
    where = host(spec)
    return where if where and _is_local(spec, _type(tenant, volume)) else ""


def of_server(spec: Spec, tenant: Tenant, server: Server) -> tuple[str, str]:
    """The host that a server must be on because of one of its volumes, and that volume; or two empty texts."""
    for volume in (*([server.boot_volume] if server.boot_volume else []), *server.volumes):
        if where := of_volume(spec, tenant, volume):
            return where, volume
    return "", ""


def problems(spec: Spec) -> Iterator[Problem]:
    """Servers that can never be where their volumes are."""
    if not (where := host(spec)):
        return
    runs_guests = any("compute" in each.roles for each in spec.hosts if each.name == where)
    for number, tenant in enumerate(spec.tenants):
        for index, server in enumerate(tenant.servers):
            _, volume = of_server(spec, tenant, server)
            path = ("tenants", number, "servers", index)
            stored = f"the volume '{volume}' is stored on {where}"
            if not volume:
                continue
            if not runs_guests:
                key = "boot_volume" if volume == server.boot_volume else "volumes"
                yield Problem(
                    f"{stored}, which runs no guests: no server can use it",
                    f"{SHARED}, or the role 'compute' for {where}",
                    path=(*path, key),
                )
            elif server.host and server.host != where:
                yield Problem(
                    f"a server on {server.host} cannot use its volumes: {stored}",
                    f"'{where}', or {SHARED}",
                    path=(*path, "host"),
                )
            elif server.zone and (hosts := _hosts_of_zone(spec, server.zone)) and where not in hosts:
                yield Problem(
                    f"a server in the zone '{server.zone}' cannot use its volumes: {stored}",
                    f"a zone with {where}, or {SHARED}",
                    path=(*path, "zone"),
                )


def _hosts_of_zone(spec: Spec, zone: str) -> set[str]:
    """The hosts that the spec puts into an availability zone."""
    found = {each.name for each in spec.hosts if (each.zone or "nova") == zone}
    return found | {name for each in spec.aggregates if each.zone == zone for name in each.hosts}


def _type(tenant: Tenant, volume: str) -> str | None:
    """The volume type: the volume's own or that of its origin; None for the default type."""
    known = {each.name: each for each in tenant.volumes}
    of_snapshot = {each.name: each.volume for each in tenant.snapshots}
    seen: set[str] = set()
    while volume in known and volume not in seen:
        seen.add(volume)
        item = known[volume]
        if item.type:
            return item.type
        volume = item.source or of_snapshot.get(item.snapshot or "", "")
    return None


def _is_local(spec: Spec, volume_type: str | None) -> bool:
    backends = {each.name: not each.shared for each in spec.platform.backends}
    if volume_type is None:
        return next(iter(backends.values()))
    specs = next((each.extra_specs for each in spec.volume_types if each.name == volume_type), {})
    # A type that names no backend may get any of them.
    return backends.get(specs.get("volume_backend_name", volume_type), all(backends.values()))
