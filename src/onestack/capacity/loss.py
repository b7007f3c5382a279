"""Whether all servers still fit after the loss of hosts.

*Evacuation* moves only the servers of the lost hosts, as `nova evacuate` does. If they do not fit, *migration* places
all servers anew on the remaining hosts, which takes live migrations first.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

from onestack.capacity.bounds import reasons
from onestack.capacity.model import Host, Placement, Server, shares
from onestack.capacity.pack import Bin, Bundle, bundles, fill, pack

# How many sets of lost hosts are tried at most.
SETS = 5_000
# Steps of the exhaustive search for each set: few, since there are many sets.
EFFORT = 2_000

Way = Literal["evacuation", "migration", "no", "not found"]
_WORST: tuple[Way, ...] = ("evacuation", "migration", "not found", "no")


@dataclass(frozen=True)
class Loss:
    """The worst case of losing `hosts` hosts. `example`: the hosts whose loss is worst.

    `way`: how all servers are kept, by `evacuation` or `migration`; `no`: they provably do not fit; `not found`:
    neither a placement nor a proof was found. `tried`: how many of the `sets` of lost hosts were examined.
    """

    hosts: int
    way: Way
    example: tuple[str, ...] = ()
    tried: int = 0
    sets: int = 0
    why: str = ""

    @property
    def complete(self) -> bool:
        return self.tried >= self.sets

    @property
    def survives(self) -> bool:
        """Whether all servers fit after each loss that was tried."""
        return self.way in ("evacuation", "migration")

    def as_dict(self) -> dict[str, Any]:
        return {
            "hosts": self.hosts,
            "survives": self.survives and self.complete,
            "way": self.way,
            "worst": list(self.example),
            "why": self.why,
            "sets_tried": self.tried,
            "sets": self.sets,
        }


def worst_loss(hosts: Sequence[Host], placement: Placement, number: int) -> Loss:
    """The worst case of losing any `number` hosts of this placement."""
    everything = [server for each in placement.values() for server in each]
    if number >= len(hosts):
        way: Way = "no" if everything else "evacuation"
        return Loss(number, way, tuple(host.name for host in hosts), 1, 1, "no host is left")
    classes = _equivalent(hosts, placement)
    bins = [Bin.of(host, placement.get(host.name, ())) for host in hosts]
    bins.sort(key=lambda each: max(shares(each.free, each.host.capacity)), reverse=True)
    sets = math.comb(len(hosts), number)
    worst, tried, covered = Loss(number, "evacuation"), 0, 0
    for lost, equivalent_sets in _different_sets(classes, number):
        tried, covered = tried + 1, covered + equivalent_sets
        way, why = _way(bins, {host.name for host in lost})
        if _WORST.index(way) > _WORST.index(worst.way) or not worst.example:
            worst = Loss(number, way, tuple(host.name for host in lost), why=why)
        if way == "no":
            covered = sets  # nothing is worse
        if tried >= SETS or covered >= sets:
            break
    alike = len({(host.inventories, host.zone) for host in hosts}) == 1
    if covered < sets and worst.survives and alike and pack(hosts[number:], everything, effort=EFFORT):
        # With identical hosts a new placement depends only on their number: it is one for the untried sets, too.
        return Loss(number, "migration", worst.example, sets, sets)
    return Loss(number, worst.way, worst.example, covered, sets, worst.why)


def _equivalent(hosts: Sequence[Host], placement: Placement) -> list[list[Host]]:
    """Hosts in equivalence classes: hosts of the same size with the same kinds of servers; the fullest first."""
    classes: dict[object, list[Host]] = defaultdict(list)
    for host in hosts:
        content = sorted(repr(bundle.kind) for bundle in bundles(placement.get(host.name, ())))
        classes[host.inventories, host.zone, tuple(content)].append(host)
    return sorted(classes.values(), key=lambda each: -len(placement.get(each[0].name, ())))


def _different_sets(classes: list[list[Host]], number: int) -> Iterator[tuple[tuple[Host, ...], int]]:
    """Sets of `number` hosts, one of each equivalence class of sets, with the size of that class."""
    done: set[tuple[int, ...]] = set()
    index_of = {host.name: index for index, each in enumerate(classes) for host in each}
    candidates = [host for each in classes for host in each[:number]]
    for lost in combinations(candidates, number):
        kinds = tuple(sorted(index_of[host.name] for host in lost))
        if kinds in done:
            continue
        done.add(kinds)
        yield lost, math.prod(math.comb(len(classes[kind]), kinds.count(kind)) for kind in set(kinds))


def _way(bins: Sequence[Bin], lost: set[str]) -> tuple[Way, str]:
    """How all servers are kept after this loss; and why they are not, if that is proved."""
    moved = [server for each in bins if each.host.name in lost for server in each.content if not server.stays]
    left = [each for each in bins if each.host.name not in lost]
    everything = [*moved, *(server for each in left for server in each.content)]
    if _first_fit(left, moved) or fill(left, moved, effort=EFFORT):
        return "evacuation", ""
    hosts = [each.host for each in left]
    if why := next(reasons(hosts, everything), None):
        return "no", why.words
    if pack(hosts, everything, effort=EFFORT):
        return "migration", ""
    return "not found", ""


def _first_fit(bins: Sequence[Bin], moved: Sequence[Server]) -> bool:
    """Whether each fits into the first bin with room: the usual case, fast since it does not copy the bins."""
    placed: list[tuple[Bin, Bundle]] = []
    for bundle in bundles(moved):
        target = next((each for each in bins if each.accepts(bundle)), None)
        if target is None:
            break
        target.put(bundle)
        placed.append((target, bundle))
    for each, bundle in reversed(placed):
        each.remove(bundle)
    return len(placed) == len(bundles(moved))
