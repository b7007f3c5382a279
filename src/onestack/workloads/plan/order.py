"""Computes the steps of a plan, with their dependencies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from onestack.workloads.plan.make import Traits
from onestack.workloads.plan.model import Change, Plan, Step
from onestack.workloads.plan.values import Address


def steps(plan: Plan, kinds: Mapping[str, Traits]) -> list[Step]:
    """The plan's steps. Each depends only on other steps of the list.

    A resource is made after those that it refers to are made, and after the one that it replaces is removed. It is
    removed after all that refer to it are removed, or changed so that they no longer do.
    """
    makes = {change.address: change for change in plan.of("create", "update", "replace")}
    going = {change.address for change in plan.of("delete", "replace")}
    removes = {
        change.address: change
        for change in plan.of("delete", "replace")
        if not (change.action == "replace" and _goes_with_parent(change, going, kinds))
    }
    # The steps that precede a removal, by the address of what is removed.
    users: dict[Address, set[str]] = defaultdict(set)
    for change in plan.changes:
        if change.observed is None:
            continue
        remove = change.address in removes
        for needed in change.observed.dependencies:
            if needed in removes and remove:
                users[needed].add(f"remove {change.address}")
            elif needed in removes and change.action == "update" and _drops_reference(change, needed):
                users[needed].add(f"make {change.address}")
    # Resources that disappear with their parent have no step: that of the topmost deleted parent stands for them.
    with_parent = [*plan.implied, *(one for one in plan.of("replace") if one.address not in removes)]
    parents = {change.address: change.observed.needs[0] for change in with_parent if change.observed}
    for change in with_parent:
        topmost = change.address
        while topmost in parents:
            topmost = parents[topmost]
        for needed in change.observed.dependencies if change.observed else ():
            # Not between security groups, whose rules may refer to each other: Neutron deletes them in any order.
            if needed in removes and topmost in removes and needed.kind != topmost.kind:
                users[needed].add(f"remove {topmost}")
    result = []
    for address, change in makes.items():
        assert change.wanted is not None
        needs = [f"make {need}" for need in sorted(change.wanted.dependencies) if need in makes]
        if address in removes:
            needs.append(f"remove {address}")
        result.append(Step("make", change, tuple(needs)))
    result += [Step("remove", change, tuple(sorted(users[address]))) for address, change in removes.items()]
    return result


def _goes_with_parent(change: Change, going: set[Address], kinds: Mapping[str, Traits]) -> bool:
    observed = change.observed
    return bool(
        kinds[change.address.kind].deleted_with_parent
        and observed
        and observed.needs
        and observed.needs[0] in going
    )


def _drops_reference(change: Change, needed: Address) -> bool:
    return change.wanted is not None and needed not in change.wanted.dependencies
