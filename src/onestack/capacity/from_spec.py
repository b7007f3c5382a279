"""Reads a spec's demands, its availability requirements and its hosts."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from onestack.capacity.model import Amount, Demand, Host, Inventory, Policy
from onestack.capacity.report import Report, Wishes, analyse
from onestack.core import contract
from onestack.spec import FLAVORS, Flavor, Spec, local_volumes
from onestack.spec import Server as WantedServer

_APART: dict[str, Policy | None] = {"none": None, "soft": "soft-anti-affinity", "hard": "anti-affinity"}
# MiB that Nova keeps for the host itself: its own default, for libvirt's and the fake driver's hosts alike.
RESERVED_MEMORY = 512


def check(spec: Spec, hosts: Sequence[Host], source: str = "", notes: Sequence[str] = ()) -> Report:
    """Whether the spec's servers fit on the hosts. `source`: where the hosts come from, in words. `notes`: what was
    assumed of them."""
    return analyse(hosts, demands(spec, {each.name for each in hosts}), wishes(spec), source, notes)


def wishes(spec: Spec) -> Wishes:
    availability = spec.availability
    return Wishes(availability.tolerate, availability.redundancy, availability.of_host)


def demands(spec: Spec, hosts: Collection[str] = ()) -> list[Demand]:
    """A demand for each server, and one for each scaling group at its maximum size. `hosts`: the names of those that
    there are; a server whose volumes one of them stores must be on that one.

    Stopped servers count, since they keep their allocations. A root disk of 0 GiB counts as 0, as in Placement,
    although it takes as much as its image.
    """
    sizes = FLAVORS | {flavor.name: (flavor.vcpus, flavor.ram, _disk(flavor)) for flavor in spec.flavors}
    root_disks = {name: size[2] for name, size in FLAVORS.items()} | {
        flavor.name: flavor.disk for flavor in spec.flavors
    }
    result: list[Demand] = []
    for tenant in spec.tenants:
        policies = {group.name: group.policy for group in tenant.server_groups}
        for server in tenant.servers:
            group = server.server_group or ""
            stored, _ = local_volumes.of_server(spec, tenant, server)
            result.append(
                Demand(
                    tenant=tenant.name,
                    name=server.name,
                    amount=_amount(server, sizes[server.flavor], root_disks[server.flavor]),
                    group=group,
                    policy=policies[group] if group else None,
                    zone=server.zone or "",
                    host=server.host or (stored if stored in hosts else ""),
                )
            )
        for wanted in tenant.scaling_groups:
            apart = _APART[wanted.spread.anti_affinity]
            group = f"scaling group {wanted.name}" if apart else ""
            size = sizes[wanted.server.flavor]
            result.append(Demand(tenant.name, wanted.name, size, wanted.max, group, apart))
    return result


def _disk(flavor: Flavor) -> int:
    return flavor.disk + flavor.ephemeral + math.ceil(flavor.swap / 1024)


def _amount(server: WantedServer, size: Amount, root_disk: int) -> Amount:
    """A flavor's size; without the root disk, if the server boots from a volume."""
    vcpus, memory, disk = size
    return vcpus, memory, disk - (root_disk if server.boot_volume else 0)


def host(spec: Spec, name: str, size: Amount) -> Host:
    """A host of this size (vCPUs, MiB, GiB), with the spec's allocation ratios."""
    compute = spec.platform.compute
    vcpus, memory, disk = size
    return Host(
        name,
        (
            Inventory(vcpus, 0, compute.cpu_allocation_ratio),
            Inventory(memory, min(RESERVED_MEMORY, memory), compute.ram_allocation_ratio),
            Inventory(disk),
        ),
        zones(spec).get(name, ""),
    )


def zones(spec: Spec) -> dict[str, str]:
    """The availability zones of the spec's hosts: their own, or those of the aggregates that they are in."""
    found = {each.name: each.zone for each in spec.hosts if each.zone}
    return found | {
        each: aggregate.zone for aggregate in spec.aggregates if aggregate.zone for each in aggregate.hosts
    }


def fake_hosts(spec: Spec) -> list[Host]:
    """The hosts of the fake driver; none with libvirt."""
    return [
        host(spec, f"{contract.FAKE_HOST_PREFIX}{n}", contract.FAKE_HOST_SIZE)
        for n in range(1, spec.platform.compute.fake_hosts + 1)
    ]


def supposed(spec: Spec, number: int, size: Amount) -> list[Host]:
    """`number` hypothetical hosts of one size, for a what-if analysis."""
    return [host(spec, f"host-{n}", size) for n in range(1, number + 1)]
