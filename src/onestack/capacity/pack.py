"""Places servers on hosts: vector bin packing with server groups.

The problem is NP-hard, so there are three possible results: a placement (which proves that the servers fit), a proof
that there is none (`bounds`), or neither within the allowed effort.

Three strategies are tried, in this order, each with several measures of a server's size:
1. Spread the servers as Nova's weighers do, since that is what the real cloud will do.
2. Place the largest first, on the first host with room (first-fit decreasing) or the fullest one (best-fit
   decreasing). In one dimension FFD needs at most 11/9 of the optimal number of hosts plus 2/3 (Dosa 2007); in three
   only a factor of 3 + 1/3 is proved (Garey, Graham, Johnson, Yao 1976), so the report also gives the lower bound.
3. In small cases, search exhaustively.

It is not done by a library: ortools and HiGHS could (as an integer program), but take 30 to 100 MB on each operator's
machine; `binpacking` and `py3dbp` support neither several resources nor groups.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from onestack.capacity.model import Amount, Host, Placement, Server, covers, room, shares, total, without

# Steps of the exhaustive search before it gives up: about two seconds.
EFFORT = 200_000


@dataclass(frozen=True)
class Bundle:
    """Servers that must be on one host: those of an affinity group, or a single server.

    `amount`: their sum. `largest`: the largest request of one server, for each resource.
    """

    servers: tuple[Server, ...]
    amount: Amount
    largest: Amount

    @property
    def kind(self) -> tuple[object, ...]:
        """Equal for bundles that are interchangeable."""
        first = self.servers[0]
        group = first.group if first.policy else None
        return (self.amount, self.largest, group, first.zone, first.host, first.stays)


def bundles(servers: Iterable[Server]) -> list[Bundle]:
    """One bundle for each affinity group and for each other server, in the given order."""
    grouped: dict[object, list[Server]] = defaultdict(list)
    for index, server in enumerate(servers):
        grouped[server.group if server.together else index].append(server)
    found = []
    for members in grouped.values():
        amounts = [member.amount for member in members]
        vcpus, memory, disk = (max(each) for each in zip(*amounts, strict=True))
        found.append(Bundle(tuple(members), total(amounts), (vcpus, memory, disk)))
    return found


@dataclass
class Bin:
    """A host while it is being filled."""

    host: Host
    free: Amount
    content: list[Server] = field(default_factory=list)
    groups: dict[tuple[str, str], int] = field(default_factory=dict)

    @classmethod
    def of(cls, host: Host, content: Iterable[Server] = ()) -> Bin:
        new = cls(host, host.capacity)
        for server in content:
            new._add(server)
        return new

    def accepts(self, bundle: Bundle) -> bool:
        """Whether it has room for the bundle, and the bundle's zone, host and group allow it."""
        if not covers(self.free, bundle.amount) or not covers(self.host.largest, bundle.largest):
            return False
        first = bundle.servers[0]
        if (first.zone and first.zone != self.host.zone) or (first.host and first.host != self.host.name):
            return False
        return not (first.apart and first.group in self.groups)

    def put(self, bundle: Bundle) -> None:
        for server in bundle.servers:
            self._add(server)

    def remove(self, bundle: Bundle) -> None:
        """Undo the last `put`."""
        for server in bundle.servers:
            self.content.remove(server)
            vcpus, memory, disk = server.amount
            self.free = self.free[0] + vcpus, self.free[1] + memory, self.free[2] + disk
            if server.group:
                self.groups[server.group] -= 1
                if not self.groups[server.group]:
                    del self.groups[server.group]

    def _add(self, server: Server) -> None:
        self.content.append(server)
        self.free = without(self.free, server.amount)
        if server.group:
            self.groups[server.group] = self.groups.get(server.group, 0) + 1

    @property
    def state(self) -> tuple[object, ...]:
        """Equal for bins that are interchangeable."""
        return (self.free, self.host.largest, self.host.zone, frozenset(self.groups))


Size = Callable[[Bundle], float]
Choice = Callable[[Sequence[Bin], Bundle], Bin | None]


def _first(bins: Sequence[Bin], bundle: Bundle) -> Bin | None:
    return next((each for each in bins if each.accepts(bundle)), None)


def _tightest(bins: Sequence[Bin], bundle: Bundle) -> Bin | None:
    fitting = [each for each in bins if each.accepts(bundle)]
    return min(fitting, key=lambda each: sum(shares(each.free, each.host.capacity)), default=None)


def _emptiest(bins: Sequence[Bin], bundle: Bundle) -> Bin | None:
    """As Nova's weighers do: by the soft policy of the server group, then by free resources."""
    server = bundle.servers[0]

    def weight(each: Bin) -> tuple[int, float]:
        members = each.groups.get(server.group, 0) if server.group else 0
        soft = {"soft-anti-affinity": -members, "soft-affinity": members}.get(server.policy or "", 0)
        return soft, min(
            1 - share for share in shares(without(each.host.capacity, each.free), each.host.capacity)
        )

    fitting = [each for each in bins if each.accepts(bundle)]
    return max(fitting, key=weight, default=None)


def pack(hosts: Sequence[Host], servers: Iterable[Server], *, effort: int = EFFORT) -> Placement | None:
    """A placement of all servers; None if none was found, which does not prove that there is none (see `bounds`)."""
    return fill([Bin.of(host) for host in hosts], servers, effort=effort)


def fill(bins: Sequence[Bin], servers: Iterable[Server], *, effort: int = EFFORT) -> Placement | None:
    """As `pack`, in addition to what the bins contain already. The bins are not changed."""
    to_place = bundles(servers)
    capacity = room(each.host for each in bins)
    sizes: list[Size] = [
        lambda bundle: max(shares(bundle.amount, capacity)),
        lambda bundle: sum(shares(bundle.amount, capacity)),
        *(lambda bundle, index=index: bundle.amount[index] for index in range(3)),
    ]
    for choose in (_emptiest, _first, _tightest):
        for size in sizes:
            if placement := _greedy(bins, sorted(to_place, key=size, reverse=True), choose):
                return placement
    ordered = sorted(to_place, key=lambda bundle: (-sizes[0](bundle), repr(bundle.kind)))
    return _search([_copy(each) for each in bins], ordered, effort)


def _copy(each: Bin) -> Bin:
    return Bin(each.host, each.free, list(each.content), dict(each.groups))


def _greedy(bins: Sequence[Bin], ordered: Iterable[Bundle], choose: Choice) -> Placement | None:
    copies = [_copy(each) for each in bins]
    for bundle in ordered:
        target = choose(copies, bundle)
        if target is None:
            return None
        target.put(bundle)
    return {each.host.name: each.content for each in copies}


def _search(bins: list[Bin], ordered: Sequence[Bundle], effort: int) -> Placement | None:
    """A depth-first search over all placements; of interchangeable bins only one is tried."""
    steps_left = effort

    def place(index: int) -> bool:
        nonlocal steps_left
        if index == len(ordered):
            return True
        bundle = ordered[index]
        tried: set[tuple[object, ...]] = set()
        for each in bins:
            if each.state in tried or not each.accepts(bundle):
                continue
            steps_left -= 1
            if steps_left < 0:
                return False
            tried.add(each.state)
            each.put(bundle)
            if place(index + 1):
                return True
            each.remove(bundle)
        return False

    # The recursion depth is the number of bundles; with hundreds the search would hardly succeed anyway.
    if len(ordered) > 200 or not place(0):
        return None
    return {each.host.name: each.content for each in bins}
