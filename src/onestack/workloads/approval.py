"""Between a plan and its application: who approves it, and whether it is still what is needed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from onestack.core.errors import BadInput
from onestack.core.events import Emit
from onestack.workloads.plan import Plan
from onestack.workloads.plan.document import as_data

Approve = Callable[[Plan], bool]
"""Called with a plan before it is applied; raises a OneStackError to refuse it. Returns True if a
person was asked."""


def unasked(plan: Plan) -> bool:
    """An `Approve` that approves any plan, for programs."""
    return False


def approved(make_plan: Callable[[], Plan], approve: Approve) -> Plan:
    """A plan that `approve` approved. Raises what `approve` raises; BadInput if the cloud changed meanwhile."""
    needed = make_plan()
    if approve(needed):
        # Others may have changed the cloud while a person considered the plan.
        shown = json.loads(json.dumps(as_data(needed)))
        needed = make_plan()
        require_unchanged(shown, needed)
    return needed


def plan_again(written: dict[str, Any], make_plan: Callable[..., Plan], emit: Emit) -> Plan:
    """The plan that was written down, made anew. Raises BadInput if it is stale."""
    made = written["made_from"]
    plan = make_plan(prune=made["prune"], adopt=made["adopt"], force=True, emit=emit)
    require_unchanged(written, plan)
    return plan


def require_unchanged(written: dict[str, Any], plan: Plan) -> None:
    """Raise BadInput if a saved plan is stale: a new one would differ."""
    now = as_data(plan)
    if any(written.get(key) != json.loads(json.dumps(now[key])) for key in ("version", "owner", "changes")):
        before, today = len(written.get("changes", ())), len(now["changes"])
        raise BadInput(
            "the plan is stale: the cloud has changed since it was made",
            detail=f"the plan has {before} changes; {today} are needed now",
            hint="make a new plan and review it",
        )
