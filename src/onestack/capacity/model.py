"""Demands (servers) and hosts, in Placement's terms and units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

# Placement's resource classes, in the order of every Amount: vCPUs, MiB, GiB.
RESOURCES = ("VCPU", "MEMORY_MB", "DISK_GB")
UNITS = ("", " MiB", " GiB")

Amount: TypeAlias = tuple[int, int, int]
NOTHING: Amount = (0, 0, 0)

Policy = Literal["affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"]


def total(amounts: Iterable[Amount]) -> Amount:
    """The sum, resource by resource."""
    vcpus, memory, disk = 0, 0, 0
    for amount in amounts:
        vcpus, memory, disk = vcpus + amount[0], memory + amount[1], disk + amount[2]
    return vcpus, memory, disk


def covers(room: Amount, amount: Amount) -> bool:
    """Whether `amount` fits into `room` in every resource."""
    return amount[0] <= room[0] and amount[1] <= room[1] and amount[2] <= room[2]


def without(room: Amount, amount: Amount) -> Amount:
    """What is left of `room`."""
    return room[0] - amount[0], room[1] - amount[1], room[2] - amount[2]


@dataclass(frozen=True)
class Inventory:
    """How much of one resource a host has. `largest`: Placement's max_unit, the most for a single server."""

    total: int
    reserved: int = 0
    allocation_ratio: float = 1.0
    used: int = 0
    largest: int | None = None

    @property
    def capacity(self) -> int:
        """What may be allocated, by Placement's formula, less what is `used` by others."""
        return max(int((self.total - self.reserved) * self.allocation_ratio) - self.used, 0)


@dataclass(frozen=True)
class Host:
    """A hypervisor: a name and its inventories, in the order of RESOURCES."""

    name: str
    inventories: tuple[Inventory, Inventory, Inventory]
    zone: str = ""

    @cached_property
    def capacity(self) -> Amount:
        vcpus, memory, disk = (each.capacity for each in self.inventories)
        return vcpus, memory, disk

    @cached_property
    def largest(self) -> Amount:
        """The most that one server may request."""
        vcpus, memory, disk = (
            each.total if each.largest is None else each.largest for each in self.inventories
        )
        return vcpus, memory, disk


@dataclass(frozen=True)
class Demand:
    """`count` equal servers of a tenant. `group`: their server group, with its policy.

    `zone`, `host`: the availability zone or host that they must be in or on; empty for any.
    """

    tenant: str
    name: str
    amount: Amount
    count: int = 1
    group: str = ""
    policy: Policy | None = None
    zone: str = ""
    host: str = ""


@dataclass(frozen=True)
class Server:
    """One server to be placed. Servers that differ only in `name` are interchangeable."""

    tenant: str
    name: str
    amount: Amount
    group: tuple[str, str] | None = None
    """The tenant and the name of its server group."""
    policy: Policy | None = None
    zone: str = ""
    host: str = ""
    stays: bool = False
    """Whether it is away as long as its host, rather than started elsewhere."""

    @property
    def apart(self) -> bool:
        """Whether no other server of its group may be on its host."""
        return self.policy == "anti-affinity"

    @property
    def together(self) -> bool:
        """Whether all other servers of its group must be on its host."""
        return self.policy == "affinity"


Placement: TypeAlias = Mapping[str, Sequence[Server]]
"""Host name -> the servers on it; includes hosts without servers."""


def servers(demands: Iterable[Demand]) -> list[Server]:
    """The demands' servers, one by one. Several of one demand are named `web-1`, `web-2`."""
    found: list[Server] = []
    for demand in demands:
        group = (demand.tenant, demand.group) if demand.group else None
        for index in range(1, demand.count + 1):
            name = demand.name if demand.count == 1 else f"{demand.name}-{index}"
            found.append(
                Server(demand.tenant, name, demand.amount, group, demand.policy, demand.zone, demand.host)
            )
    return found


def room(hosts: Iterable[Host]) -> Amount:
    """The capacity of all hosts together."""
    return total(host.capacity for host in hosts)


def shares(amount: Amount, of: Amount) -> tuple[float, float, float]:
    """`amount` as fractions of `of`; infinite where `of` is 0 and `amount` is not."""
    one, two, three = (
        part / whole if whole else (float("inf") if part else 0.0)
        for part, whole in zip(amount, of, strict=True)
    )
    return one, two, three
