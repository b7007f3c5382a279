"""Why a host cannot take a server: each reason with its category. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from onestack.capacity import Inventory
from onestack.health.why.model import Group, Host, Request

Reason = tuple[str, str]
"""(category, words)"""
_DISABLED = "COMPUTE_STATUS_DISABLED"
_UNITS = {"VCPU": "vCPUs", "MEMORY_MB": "MiB of memory", "DISK_GB": "GiB of disk"}


def unit(resource: str) -> str:
    """The usual name of a Placement resource class."""
    return _UNITS.get(resource, resource)


def amount(number: int, resource: str) -> str:
    """An amount with its unit: `1 vCPU`, `128 MiB of memory`."""
    return "1 vCPU" if (number, resource) == (1, "VCPU") else f"{number} {unit(resource)}"


def reasons(
    host: Host, request: Request, zone: str, group: Group | None, volumes_on: str = ""
) -> Iterator[Reason]:
    """All reasons why this host cannot take the server; the host's own state first.

    `volumes_on`: the host that stores the server's volumes, if only its servers can use them.
    """
    if not host.enabled:
        reason = f" ({host.disabled_reason})" if host.disabled_reason else ""
        yield "disabled", f"its compute service is disabled{reason}"
    if host.forced_down:
        yield "down", "it was forced down"
    elif not host.up:
        yield "down", "its compute service is down"
    if zone and host.zone != zone:
        yield "zone", f"it is in the zone '{host.zone}', the server was requested in '{zone}'"
    if volumes_on and host.name != volumes_on:
        yield "volume", f"the server uses a volume that is stored on '{volumes_on}'"
    if request.provider and request.provider != host.provider:
        yield "host", "the server was requested on another host"
    for resource, number in request.resources.items():
        inventory = host.inventories.get(resource)
        if number and inventory is None:
            yield f"room {resource}", f"it has no {unit(resource)}"
        elif inventory is not None and (words := _shortage(resource, number, inventory)):
            yield f"room {resource}", words
    for trait in sorted(request.required - host.traits):
        yield "trait", f"it lacks the trait {trait}"
    for trait in sorted(request.forbidden & host.traits):
        if trait != _DISABLED:
            yield "trait", f"it has the trait {trait}, which is forbidden"
        elif host.enabled:
            yield "disabled", "Placement still lists it as disabled"
    if group is not None:
        yield from _group(host, group)


def _shortage(resource: str, number: int, inventory: Inventory) -> str:
    room = int((inventory.total - inventory.reserved) * inventory.allocation_ratio)
    largest = inventory.total if inventory.largest is None else inventory.largest
    if number > largest:
        return f"{amount(number, resource)} requested, {largest} at most for one server"
    if number > room - inventory.used:
        return f"{amount(number, resource)} requested, {max(0, room - inventory.used)} of {room} free"
    return ""


def _group(host: Host, group: Group) -> Iterator[Reason]:
    here = group.hosts.get(host.name, ())
    if group.policy == "anti-affinity" and len(here) >= group.max_per_host:
        yield (
            "anti-affinity",
            f"another member of the server group '{group.name}' runs on it: {', '.join(here)}",
        )
    elif group.policy == "affinity" and group.hosts and not here:
        elsewhere = ", ".join(sorted(group.hosts))
        yield "affinity", f"the server group '{group.name}' runs on {elsewhere}"
