"""What happens when hosts are lost: whether their servers find room on the others.

Two ways are distinguished. *Evacuation* moves only the servers of the lost hosts, as `nova evacuate` does.
If that fails, all servers may be *repacked* on what is left, which takes live migrations first.
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

# Beyond so many different sets of lost hosts not all of them are tried.
SETS = 5_000
# The exhaustive search after each loss is kept short: there are many of them.
EFFORT = 2_000

Way = Literal["evacuation", "migration", "no", "not found"]
_WORST: tuple[Way, ...] = ("evacuation", "migration", "not found", "no")


@dataclass(frozen=True)
class Loss:
    """The worst of losing `hosts` hosts. `example`: the hosts whose loss is worst. `complete`: all sets tried.

    `way`: `evacuation` and `migration` keep every server; `no` is proved; `not found` is neither.
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
        """Whether every server has a place after any such loss, as far as sets were tried."""
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


def lose(hosts: Sequence[Host], placement: Placement, number: int) -> Loss:
    """The worst that the loss of any `number` hosts does to this placement."""
    everything = [server for each in placement.values() for server in each]
    if number >= len(hosts):
        way: Way = "no" if everything else "evacuation"
        return Loss(number, way, tuple(host.name for host in hosts), 1, 1, "no host is left")
    classes = _alike(hosts, placement)
    bins = [Bin.of(host, placement.get(host.name, ())) for host in hosts]
    bins.sort(key=lambda each: max(shares(each.free, each.host.capacity)), reverse=True)
    sets = math.comb(len(hosts), number)
    worst, tried, covered = Loss(number, "evacuation"), 0, 0
    for lost, stands_for in _different_sets(classes, number):
        tried, covered = tried + 1, covered + stands_for
        way, why = _after(bins, {host.name for host in lost}, everything)
        if _WORST.index(way) > _WORST.index(worst.way) or not worst.example:
            worst = Loss(number, way, tuple(host.name for host in lost), why=why)
        if way == "no":
            covered = sets  # nothing is worse
        if tried >= SETS or covered >= sets:
            break
    alike = len({(host.inventories, host.zone) for host in hosts}) == 1
    if covered < sets and worst.survives and alike and pack(hosts[number:], everything, effort=EFFORT):
        # Repacked, it only matters how many of such hosts are left: this holds for the sets not tried too.
        return Loss(number, "migration", worst.example, sets, sets)
    return Loss(number, worst.way, worst.example, covered, sets, worst.why)


def _alike(hosts: Sequence[Host], placement: Placement) -> list[list[Host]]:
    """Hosts in classes whose members' loss is the same: same size, same servers; the fullest first.

    A hard anti-affinity group makes a difference only by its name, since its other members stand elsewhere.
    """
    classes: dict[object, list[Host]] = defaultdict(list)
    for host in hosts:
        content = sorted(repr(bundle.kind) for bundle in bundles(placement.get(host.name, ())))
        classes[host.inventories, host.zone, tuple(content)].append(host)
    return sorted(classes.values(), key=lambda each: -len(placement.get(each[0].name, ())))


def _different_sets(classes: list[list[Host]], number: int) -> Iterator[tuple[tuple[Host, ...], int]]:
    """Sets of `number` hosts, one of each kind of set, with how many sets it stands for."""
    seen: set[tuple[int, ...]] = set()
    index_of = {host.name: index for index, each in enumerate(classes) for host in each}
    candidates = [host for each in classes for host in each[:number]]
    for lost in combinations(candidates, number):
        kinds = tuple(sorted(index_of[host.name] for host in lost))
        if kinds in seen:
            continue
        seen.add(kinds)
        yield lost, math.prod(math.comb(len(classes[kind]), kinds.count(kind)) for kind in set(kinds))


def _after(bins: Sequence[Bin], lost: set[str], everything: list[Server]) -> tuple[Way, str]:
    moved = [server for each in bins if each.host.name in lost for server in each.content]
    left = [each for each in bins if each.host.name not in lost]
    if _first_fit(left, moved) or fill(left, moved, effort=EFFORT):
        return "evacuation", ""
    hosts = [each.host for each in left]
    if why := next(reasons(hosts, everything), None):
        return "no", why.words
    if pack(hosts, everything, effort=EFFORT):
        return "migration", ""
    return "not found", ""


def _first_fit(bins: Sequence[Bin], moved: Sequence[Server]) -> bool:
    """Whether they go where there is room first. The usual case, without copying what hosts hold."""
    done: list[tuple[Bin, Bundle]] = []
    for bundle in bundles(moved):
        found = next((each for each in bins if each.takes(bundle)), None)
        if found is None:
            break
        found.put(bundle)
        done.append((found, bundle))
    for each, bundle in reversed(done):
        each.remove(bundle)
    return len(done) == len(bundles(moved))
