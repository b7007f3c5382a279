"""Plans of several clouds as one: each change says where it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from onestack.core.errors import OneStackError
from onestack.workloads.plan.model import Plan


@dataclass(frozen=True)
class SeveralPlans(Plan):
    """The clouds are in the order of the file. `parts`: the plan of each. `away`: why others have none."""

    parts: Mapping[str, Plan] = field(default_factory=dict)
    away: Mapping[str, OneStackError] = field(default_factory=dict)


def together(parts: Mapping[str, Plan], away: Mapping[str, OneStackError], owner: str) -> SeveralPlans:
    """The plans of several clouds as one. What is present, and deletions that are implied, are in its parts alone."""
    return SeveralPlans(
        [replace(change, cloud=name) for name, plan in parts.items() for change in plan.changes],
        [one for plan in parts.values() for one in plan.left],
        owner=owner,
        wanted=sum(plan.wanted for plan in parts.values()),
        notes=[f"{name}: {note}" for name, plan in parts.items() for note in plan.notes],
        parts=parts,
        away=away,
    )
