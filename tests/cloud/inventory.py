"""Everything that tenants could have in a cloud, in any project, marked or not: to compare before with after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from onestack import Cloud


def of(cloud: Cloud) -> Counter[str]:
    """How many there are of each thing, by kind, project and name."""

    def look() -> Counter[str]:
        admin = cloud.connect()
        identity, network, compute = admin.identity, admin.network, admin.compute
        projects = {one.id: one.name for one in identity.projects()}
        listed: dict[str, Iterable[Any]] = {
            "project": identity.projects(),
            "user": identity.users(),
            "group": identity.groups(),
            "role": identity.roles(),
            "network": network.networks(),
            "subnet": network.subnets(),
            "router": network.routers(),
            "port": network.ports(),
            "floating ip": network.ips(),
            "security group": network.security_groups(),
            "security group rule": network.security_group_rules(),
            "flavor": compute.flavors(is_public=None),
            "server group": compute.server_groups(all_projects=True),
            "server": compute.servers(all_projects=True),
            "image": admin.image.images(),
        }
        if "block-storage" in cloud.site.spec.platform.services:
            listed["volume"] = admin.block_storage.volumes(all_projects=True)
            listed["snapshot"] = admin.block_storage.snapshots(all_projects=True)
        return Counter(_named(kind, one, projects) for kind, them in listed.items() for one in them)

    return cloud.run(look)


def _named(kind: str, one: Any, projects: dict[str, str]) -> str:
    ident = getattr(one, "project_id", None) or getattr(one, "owner", None) or ""
    # Ports and rules that a service made by itself have no name: what they are of, and how many, still tells.
    name = one.name or getattr(one, "device_owner", "") or getattr(one, "description", "") or "-"
    if kind == "security group rule":
        name = f"{one.security_group_id} {one.direction} {one.ether_type} {one.protocol} {one.port_range_min}"
    return f"{kind} {projects.get(ident, ident)}/{name}"


def twice(there: Counter[str]) -> list[str]:
    """What was made more than once, among what has a name of its own."""
    nameless = ("/-", "/network:", "/compute:")
    return [name for name, many in there.items() if many > 1 and not any(word in name for word in nameless)]
