"""From changes to steps with their dependencies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from onestack.workloads.plan.make import Traits
from onestack.workloads.plan.model import Change, Plan, Step
from onestack.workloads.plan.values import Address


def steps(plan: Plan, kinds: Mapping[str, Traits]) -> list[Step]:
    """The plan's steps; each names what it needs, and needs only steps of the list.

    Made: after what it names is made, and after what it replaces is removed. Removed: after all that names
    it is removed, or was changed so that it no longer does.
    """
    makes = {change.address: change for change in plan.of("create", "update", "replace")}
    going = {change.address for change in plan.of("delete", "replace")}
    removes = {
        change.address: change
        for change in plan.of("delete", "replace")
        if not (change.action == "replace" and _goes_with_parent(change, going, kinds))
    }
    # What must be done before something can be removed.
    users: dict[Address, set[str]] = defaultdict(set)
    for change in plan.changes:
        if change.observed is None:
            continue
        remove = change.address in removes
        for needed in change.observed.dependencies:
            if needed in removes and remove:
                users[needed].add(f"remove {change.address}")
            elif needed in removes and change.action == "update" and _lets_go(change, needed):
                users[needed].add(f"make {change.address}")
    along = [*plan.carried, *(one for one in plan.of("replace") if one.address not in removes)]
    parents = {change.address: change.observed.needs[0] for change in along if change.observed}
    for change in along:
        carrier = change.address
        while carrier in parents:
            carrier = parents[carrier]
        for needed in change.observed.dependencies if change.observed else ():
            # Security groups whose rules name each other: Neutron lets either go first.
            if needed in removes and carrier in removes and needed.kind != carrier.kind:
                users[needed].add(f"remove {carrier}")
    found = []
    for address, change in makes.items():
        assert change.wanted is not None
        needs = [f"make {need}" for need in sorted(change.wanted.dependencies) if need in makes]
        if address in removes:
            needs.append(f"remove {address}")
        found.append(Step("make", change, tuple(needs)))
    found += [Step("remove", change, tuple(sorted(users[address]))) for address, change in removes.items()]
    return found


def _goes_with_parent(change: Change, going: set[Address], kinds: Mapping[str, Traits]) -> bool:
    observed = change.observed
    return bool(
        kinds[change.address.kind].deleted_with_parent
        and observed
        and observed.needs
        and observed.needs[0] in going
    )


def _lets_go(change: Change, needed: Address) -> bool:
    return change.wanted is not None and needed not in change.wanted.dependencies
