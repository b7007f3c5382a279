"""The inventories of the running cloud's hosts, from Placement, which the scheduler uses, too."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from openstack.connection import Connection

from onestack.capacity import RESOURCES, Host, Inventory

READERS = 8
"""How many hosts are read at a time."""
# A microversion that has everything that is read here.
_VERSION = {"OpenStack-API-Version": "placement 1.39"}


def hosts(
    admin: Connection, ours: Collection[tuple[str, str]] = (), known: Collection[str] | None = None
) -> list[Host]:
    """All hypervisors with their inventories. Call it in the cloud's network namespace.

    `ours`: (tenant, name) of servers whose allocations do not count as used, since they are about to be placed.
    `known`: the ids of these servers, if the caller has them already.
    """
    own = _ids(admin, ours) if known is None else set(known)
    zones = {
        name: aggregate.availability_zone
        for aggregate in admin.compute.aggregates()
        if aggregate.availability_zone
        for name in aggregate.hosts or ()
    }

    def read(provider: Any) -> Host | None:
        of_provider = f"/resource_providers/{provider.id}"
        inventories = _get(admin, f"{of_provider}/inventories")["inventories"]
        if RESOURCES[0] not in inventories:
            return None  # no hypervisor, but for example a shared disk pool
        allocations = _get(admin, f"{of_provider}/allocations")["allocations"]
        others = [one["resources"] for consumer, one in allocations.items() if consumer not in own]
        vcpus, memory, disk = (inventory(name, inventories, others) for name in RESOURCES)
        return Host(provider.name, (vcpus, memory, disk), zones.get(provider.name, "nova"))

    # Two requests for each host: in sequence they would take most of a plan's time on a cloud with many hosts.
    with ThreadPoolExecutor(READERS, thread_name_prefix="inventories") as pool:
        found = [host for host in pool.map(read, admin.placement.resource_providers()) if host is not None]
    return sorted(found, key=lambda each: (len(each.name), each.name))


def called_as_hosts(admin: Connection, found: Collection[Host], names: Collection[str]) -> list[Host]:
    """The same hosts, those in the spec by the names that they have there.

    Placement knows a host by what libvirt says its machine is called; `names`: what the spec calls the hosts.
    """
    services = {
        each.name: str((each.service_details or {}).get("host", ""))
        for each in admin.compute.hypervisors(details=True)
    }
    return [
        replace(each, name=services[each.name]) if services.get(each.name) in names else each
        for each in found
    ]


def _ids(admin: Connection, ours: Collection[tuple[str, str]]) -> set[str]:
    identity: Any = admin.identity
    projects = {project.id: project.name for project in identity.projects()}
    return {
        server.id
        for server in admin.compute.servers(all_projects=True, details=True)
        if (projects.get(server.project_id), server.name) in ours
    }


def inventory(
    resource: str, inventories: Mapping[str, Any], others: Collection[Mapping[str, int]]
) -> Inventory:
    """One resource class of Placement's answer, with the allocations of `others` as used."""
    inventory = inventories.get(resource)
    if inventory is None:
        return Inventory(0)
    return Inventory(
        total=inventory["total"],
        reserved=inventory["reserved"],
        allocation_ratio=inventory["allocation_ratio"],
        used=sum(one.get(resource, 0) for one in others),
        largest=inventory["max_unit"],
    )


def _get(admin: Connection, path: str) -> Any:
    answer = admin.placement.get(path, headers=_VERSION)
    answer.raise_for_status()
    return answer.json()
