"""Packing is right: what it places is allowed, and what it refuses cannot be placed (against brute force)."""

from __future__ import annotations

from collections import Counter
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from onestack.capacity import Demand, Host, Inventory, analyse, bounds
from onestack.capacity.loss import worst_loss
from onestack.capacity.model import Placement, Server, covers, servers, total
from onestack.capacity.pack import pack
from onestack.capacity.report import enough

amounts = st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4))
demands = st.builds(
    Demand,
    tenant=st.sampled_from(["a", "b"]),
    name=st.just("s"),
    amount=amounts,
    count=st.integers(1, 2),
    group=st.sampled_from(["", "g"]),
    policy=st.sampled_from(["affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"]),
    zone=st.sampled_from(["", "", "z"]),
)


def one_policy(found: list[Demand]) -> list[Demand]:
    """A server group has one policy."""
    policy = {(each.tenant, each.group): each.policy for each in found}
    return [
        Demand(
            each.tenant, f"{each.name}{index}", each.amount, each.count, each.group,
            policy[each.tenant, each.group] if each.group else None, each.zone,
        )
        for index, each in enumerate(found)
    ]  # fmt: skip


small_demands = st.lists(demands, min_size=1, max_size=3).map(one_policy)
inventories = st.tuples(*(st.builds(Inventory, st.integers(0, 8)) for _ in range(3)))
small_hosts = st.lists(st.tuples(inventories, st.sampled_from(["", "z"])), min_size=1, max_size=3).map(
    lambda found: [Host(f"h{n}", inventory, zone) for n, (inventory, zone) in enumerate(found)]
)


def allowed(hosts: list[Host], placement: Placement, wanted: list[Server]) -> bool:
    """Whether a placement keeps every rule; written apart from the code it judges."""
    if Counter(one for content in placement.values() for one in content) != Counter(wanted):
        return False
    where: dict[tuple[str, str], list[str]] = {}
    for host in hosts:
        content = placement[host.name]
        if not covers(host.capacity, total(one.amount for one in content)):
            return False
        for one in content:
            if not covers(host.largest, one.amount) or (one.zone and one.zone != host.zone):
                return False
            if one.group:
                where.setdefault(one.group, []).append(host.name)
    policies = {one.group: one.policy for one in wanted if one.group}
    for group, names in where.items():
        if policies[group] == "affinity" and len(set(names)) > 1:
            return False
        if policies[group] == "anti-affinity" and len(set(names)) < len(names):
            return False
    return True


def brute_force(hosts: list[Host], wanted: list[Server]) -> bool:
    """Every way to put every server somewhere."""
    for places in product(range(len(hosts)), repeat=len(wanted)):
        placement: dict[str, list[Server]] = {host.name: [] for host in hosts}
        for server, place in zip(wanted, places, strict=True):
            placement[hosts[place].name].append(server)
        if allowed(hosts, placement, wanted):
            return True
    return False


@settings(max_examples=60, deadline=None)
@given(small_hosts, small_demands)
def test_it_finds_a_placement_exactly_if_there_is_one(hosts: list[Host], asked: list[Demand]) -> None:
    wanted = servers(asked)
    found, why = pack(hosts, wanted), list(bounds.reasons(hosts, wanted))
    possible = brute_force(hosts, wanted)
    assert (found is not None) == possible
    assert found is None or allowed(hosts, found, wanted)
    assert not (why and possible), "a reason is a proof"
    assert analyse(hosts, asked).verdict == (
        "fits" if possible else "cannot fit" if why else "no placement found"
    )


@settings(max_examples=40, deadline=None)
@given(small_hosts, small_demands, st.integers(1, 2))
def test_the_loss_of_any_hosts_is_judged_as_by_trying_all(
    hosts: list[Host], asked: list[Demand], number: int
) -> None:
    wanted = servers(asked)
    placement = pack(hosts, wanted)
    if placement is None or number >= len(hosts):
        return
    found = worst_loss(hosts, placement, number)
    assert found.complete
    left = [
        [host for host, lost in zip(hosts, gone, strict=True) if not lost]
        for gone in product([False, True], repeat=len(hosts))
        if sum(gone) == number
    ]
    assert found.survives == all(brute_force(each, wanted) for each in left)


@settings(max_examples=60, deadline=None)
@given(small_hosts, small_demands)
def test_enough_hosts_is_between_its_bounds(hosts: list[Host], asked: list[Demand]) -> None:
    wanted = [Server(s.tenant, s.name, s.amount, s.group, s.policy) for s in servers(asked)]
    found = enough(hosts[:1], wanted)
    if found.found is None:
        assert not brute_force([Host(f"c{n}", hosts[0].inventories) for n in range(4)], wanted)
        return
    assert found.at_least is not None
    assert found.at_least <= found.found
    assert brute_force([Host(f"c{n}", hosts[0].inventories) for n in range(found.found)], wanted)
    if found.found:
        fewer = [Host(f"c{n}", hosts[0].inventories) for n in range(found.found - 1)]
        assert not brute_force(fewer, wanted)
