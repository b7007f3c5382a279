"""Proofs that no placement exists, and how many hosts it takes so that a proof no longer holds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from onestack.capacity.model import RESOURCES, UNITS, Host, Server, covers, room, total
from onestack.capacity.pack import Bin, Bundle, bundles

# What is the bottleneck, if no resource is.
GROUPS = "anti-affinity"
ZONES = "zone"


@dataclass(frozen=True)
class Reason:
    """Why the servers cannot fit. `binds`: the bottleneck, a resource class, `anti-affinity` or `zone`."""

    binds: str
    words: str

    def as_dict(self) -> dict[str, Any]:
        return {"binds": self.binds, "reason": self.words}


def reasons(hosts: Sequence[Host], servers: Sequence[Server]) -> Iterator[Reason]:
    """All proofs found that the servers do not fit on the hosts. That none is found does not mean that they fit."""
    wanted = bundles(servers)
    yield from _too_large(hosts, wanted)
    for resource in range(len(RESOURCES)):
        yield from _too_much(hosts, servers, resource)
        yield from _too_many_large(hosts, wanted, resource)
    yield from _too_few_hosts(hosts, servers)


def _quantity(number: int, resource: int) -> str:
    return f"{number:,}{UNITS[resource]}".replace(",", " ")


def _too_large(hosts: Sequence[Host], wanted: Sequence[Bundle]) -> Iterator[Reason]:
    """Servers and affinity groups that do not even fit on an empty host."""
    reported: set[tuple[object, ...]] = set()
    for bundle in wanted:
        if bundle.kind in reported or any(Bin.of(host).accepts(bundle) for host in hosts):
            continue
        reported.add(bundle.kind)
        first = bundle.servers[0]
        who = f"{first.tenant}/{first.name}"
        if len(bundle.servers) > 1 and first.group:
            who = f"the affinity group {first.group[0]}/{first.group[1]}"
        able = [host for host in hosts if first.zone in ("", host.zone) and first.host in ("", host.name)]
        if not able and (first.zone or first.host):
            where = (
                f"the host {first.host}, which does not exist"
                if first.host
                else f"the zone {first.zone}, which has no host"
            )
            yield Reason(ZONES, f"{who} requests {where}")
            continue
        for resource, name in enumerate(RESOURCES):
            most = max((host.capacity[resource] for host in able), default=0)
            single = max((host.largest[resource] for host in able), default=0)
            if bundle.amount[resource] > most:
                requested = _quantity(bundle.amount[resource], resource)
                yield Reason(
                    name,
                    f"{who} requests {requested} of {name}; a host has {_quantity(most, resource)} at most",
                )
            elif bundle.largest[resource] > single:
                requested = _quantity(bundle.largest[resource], resource)
                yield Reason(
                    name,
                    f"{who} requests {requested} of {name}; no host gives one server more than"
                    f" {_quantity(single, resource)}",
                )


def _too_much(hosts: Sequence[Host], servers: Sequence[Server], resource: int) -> Iterator[Reason]:
    """The sum of all requests exceeds the capacity of all hosts, or that of a zone its hosts' capacity."""
    name = RESOURCES[resource]
    requested, capacity = total(each.amount for each in servers)[resource], room(hosts)[resource]
    if requested > capacity:
        yield Reason(
            name,
            f"{_quantity(requested, resource)} of {name} are requested;"
            f" the hosts have {_quantity(capacity, resource)}",
        )
    for zone in sorted({each.zone for each in servers if each.zone}):
        requested = total(each.amount for each in servers if each.zone == zone)[resource]
        capacity = room(host for host in hosts if host.zone == zone)[resource]
        if requested > capacity:
            yield Reason(
                name,
                f"zone {zone}: {_quantity(requested, resource)} of {name} are requested;"
                f" its hosts have {_quantity(capacity, resource)}",
            )


def _too_many_large(hosts: Sequence[Host], wanted: Sequence[Bundle], resource: int) -> Iterator[Reason]:
    """There are more requests of at least some size than the hosts have slots of that size."""
    name = RESOURCES[resource]
    sizes = Counter(bundle.amount[resource] for bundle in wanted if bundle.amount[resource])
    capacities = Counter(host.capacity[resource] for host in hosts)
    requests = 0
    for size in sorted(sizes, reverse=True):
        requests += sizes[size]
        slots = sum((capacity // size) * number for capacity, number in capacities.items())
        if requests > slots and slots:
            yield Reason(
                name,
                f"{requests} request {_quantity(size, resource)} of {name} or more each;"
                f" the hosts have room for {slots} of them",
            )
            return


def _too_few_hosts(hosts: Sequence[Host], servers: Sequence[Server]) -> Iterator[Reason]:
    """An anti-affinity group has more servers than there are hosts that can take one."""
    groups: dict[tuple[str, str], list[Server]] = defaultdict(list)
    for server in servers:
        if server.apart and server.group:
            groups[server.group].append(server)
    capacities = Counter(host.capacity for host in hosts)
    for (tenant, group), members in groups.items():
        smallest = tuple(min(each) for each in zip(*(one.amount for one in members), strict=True))
        able = sum(n for capacity, n in capacities.items() if covers(capacity, smallest))
        if len(members) > able:
            yield Reason(
                GROUPS,
                f"the {len(members)} servers of {tenant}/{group} must be on different hosts; {able} can take one",
            )


def fewest(enough: Callable[[int], bool], most: int) -> int | None:
    """The smallest number up to `most` for which `enough` is true; None if there is none.

    Bisection: if `enough` is true for a number, it must be true for all larger ones.
    """
    if enough(0):
        return 0
    if not enough(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
