"""Why there can be no placement: reasons that are proofs, and how many hosts each of them calls for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from onestack.capacity.model import RESOURCES, UNITS, Host, Server, covers, room, total
from onestack.capacity.pack import Bin, Bundle, bundles

# What binds, when no resource does.
GROUPS = "anti-affinity"
ZONES = "zone"


@dataclass(frozen=True)
class Reason:
    """Why it cannot fit. `binds`: a resource class, `anti-affinity` or `zone`."""

    binds: str
    words: str

    def as_dict(self) -> dict[str, Any]:
        return {"binds": self.binds, "reason": self.words}


def reasons(hosts: Sequence[Host], servers: Sequence[Server]) -> Iterator[Reason]:
    """Every proof found that the servers cannot be on the hosts; none found does not mean that they can."""
    wanted = bundles(servers)
    yield from _too_large(hosts, wanted)
    for resource in range(len(RESOURCES)):
        yield from _too_much(hosts, servers, resource)
        yield from _too_many_large(hosts, wanted, resource)
    yield from _too_few_hosts(hosts, servers)


def _quantity(number: int, resource: int) -> str:
    return f"{number:,}{UNITS[resource]}".replace(",", " ")


def _too_large(hosts: Sequence[Host], wanted: Sequence[Bundle]) -> Iterator[Reason]:
    """One server (or affinity group) that no host takes, even empty."""
    reported: set[tuple[object, ...]] = set()
    for bundle in wanted:
        if bundle.kind in reported or any(Bin.of(host).takes(bundle) for host in hosts):
            continue
        reported.add(bundle.kind)
        first = bundle.servers[0]
        who = f"{first.tenant}/{first.name}"
        if len(bundle.servers) > 1 and first.group:
            who = f"the affinity group {first.group[0]}/{first.group[1]}"
        able = [host for host in hosts if first.zone in ("", host.zone) and first.host in ("", host.name)]
        if not able and (first.zone or first.host):
            where = (
                f"the host {first.host}, which is not there"
                if first.host
                else f"the zone {first.zone}, in which there is no host"
            )
            yield Reason(ZONES, f"{who} wants {where}")
            continue
        for resource, name in enumerate(RESOURCES):
            most = max((host.capacity[resource] for host in able), default=0)
            single = max((host.largest[resource] for host in able), default=0)
            if bundle.amount[resource] > most:
                asked = _quantity(bundle.amount[resource], resource)
                yield Reason(
                    name, f"{who} asks for {asked} of {name}; a host has {_quantity(most, resource)} at most"
                )
            elif bundle.largest[resource] > single:
                asked = _quantity(bundle.largest[resource], resource)
                yield Reason(
                    name,
                    f"{who} asks for {asked} of {name}; no host gives one server more than"
                    f" {_quantity(single, resource)}",
                )


def _too_much(hosts: Sequence[Host], servers: Sequence[Server], resource: int) -> Iterator[Reason]:
    """All of it together, and of each zone."""
    name = RESOURCES[resource]
    asked, there = total(each.amount for each in servers)[resource], room(hosts)[resource]
    if asked > there:
        yield Reason(
            name,
            f"{_quantity(asked, resource)} of {name} are asked for; the hosts have {_quantity(there, resource)}",
        )
    for zone in sorted({each.zone for each in servers if each.zone}):
        asked = total(each.amount for each in servers if each.zone == zone)[resource]
        there = room(host for host in hosts if host.zone == zone)[resource]
        if asked > there:
            yield Reason(
                name,
                f"zone {zone}: {_quantity(asked, resource)} of {name} are asked for;"
                f" its hosts have {_quantity(there, resource)}",
            )


def _too_many_large(hosts: Sequence[Host], wanted: Sequence[Bundle], resource: int) -> Iterator[Reason]:
    """Of pieces at least as large as `size` each host takes only so many: what is left beside them is lost."""
    name = RESOURCES[resource]
    sizes = Counter(bundle.amount[resource] for bundle in wanted if bundle.amount[resource])
    capacities = Counter(host.capacity[resource] for host in hosts)
    pieces = 0
    for size in sorted(sizes, reverse=True):
        pieces += sizes[size]
        slots = sum((capacity // size) * number for capacity, number in capacities.items())
        if pieces > slots and slots:
            yield Reason(
                name,
                f"{pieces} ask for {_quantity(size, resource)} of {name} or more each;"
                f" the hosts have room for {slots} such",
            )
            return


def _too_few_hosts(hosts: Sequence[Host], servers: Sequence[Server]) -> Iterator[Reason]:
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
    """The smallest number up to `most` for which `enough`, which stays true once it is; None: not even `most`."""
    if enough(0):
        return 0
    if not enough(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
