"""From a spec to what it asks for and what it says of its hosts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from onestack.capacity.model import Amount, Demand, Host, Inventory, Policy
from onestack.capacity.report import Report, Wishes, analyse
from onestack.core import contract
from onestack.spec import FLAVORS, Flavor, Spec
from onestack.spec import Server as WantedServer

_APART: dict[str, Policy | None] = {"none": None, "soft": "soft-anti-affinity", "hard": "anti-affinity"}
# MiB that Nova keeps for the host itself: its own default, for libvirt's and the fake driver's hosts alike.
RESERVED_MEMORY = 512


def check(spec: Spec, hosts: Sequence[Host], source: str = "") -> Report:
    """Whether what the spec asks for fits on the hosts: the one question that `plan` has."""
    return analyse(hosts, demands(spec), wishes(spec), source)


def wishes(spec: Spec) -> Wishes:
    availability = spec.availability
    return Wishes(availability.tolerate, availability.redundancy, availability.of_host)


def demands(spec: Spec) -> list[Demand]:
    """One for each server, and scaling groups at their largest. Stopped servers keep their place; a disk of 0 GiB
    takes what its image takes, which Placement does not count either."""
    sizes = FLAVORS | {flavor.name: (flavor.vcpus, flavor.ram, _disk(flavor)) for flavor in spec.flavors}
    root_disks = {name: size[2] for name, size in FLAVORS.items()} | {
        flavor.name: flavor.disk for flavor in spec.flavors
    }
    found: list[Demand] = []
    for tenant in spec.tenants:
        policies = {group.name: group.policy for group in tenant.server_groups}
        for server in tenant.servers:
            group = server.server_group or ""
            found.append(
                Demand(
                    tenant=tenant.name,
                    name=server.name,
                    amount=_amount(server, sizes[server.flavor], root_disks[server.flavor]),
                    group=group,
                    policy=policies[group] if group else None,
                    zone=server.zone or "",
                    host=server.host or "",
                )
            )
        for wanted in tenant.scaling_groups:
            apart = _APART[wanted.spread.anti_affinity]
            group = f"scaling group {wanted.name}" if apart else ""
            size = sizes[wanted.server.flavor]
            found.append(Demand(tenant.name, wanted.name, size, wanted.max, group, apart))
    return found


def _disk(flavor: Flavor) -> int:
    return flavor.disk + flavor.ephemeral + math.ceil(flavor.swap / 1024)


def _amount(server: WantedServer, size: Amount, root_disk: int) -> Amount:
    """A server that starts from a volume has its root disk there."""
    vcpus, memory, disk = size
    return vcpus, memory, disk - (root_disk if server.boot_volume else 0)


def host(spec: Spec, name: str, size: Amount) -> Host:
    """A host of so many processors, MiB and GiB, with the ratios of the spec."""
    compute = spec.platform.compute
    vcpus, memory, disk = size
    zones = {
        each: aggregate.zone for aggregate in spec.aggregates if aggregate.zone for each in aggregate.hosts
    }
    return Host(
        name,
        (
            Inventory(vcpus, 0, compute.cpu_allocation_ratio),
            Inventory(memory, min(RESERVED_MEMORY, memory), compute.ram_allocation_ratio),
            Inventory(disk),
        ),
        zones.get(name) or "",
    )


def fake_hosts(spec: Spec) -> list[Host]:
    """The hosts of the fake driver; none with libvirt."""
    return [
        host(spec, f"{contract.FAKE_HOST_PREFIX}{n}", contract.FAKE_HOST_SIZE)
        for n in range(1, spec.platform.compute.fake_hosts + 1)
    ]


def supposed(spec: Spec, number: int, size: Amount) -> list[Host]:
    """So many hosts of one size, for the question what if."""
    return [host(spec, f"host-{n}", size) for n in range(1, number + 1)]
