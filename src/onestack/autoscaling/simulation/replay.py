"""Replays a recorded load for a group of a spec: what the autoscaler would have done, compared with a fixed size."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from typing import Any

from onestack.autoscaling.decision import from_spec
from onestack.autoscaling.decision.group import Group
from onestack.autoscaling.policy import Policy
from onestack.autoscaling.simulation.picture import Panel, draw, worst_day
from onestack.autoscaling.simulation.simulate import CPU, REQUESTS, OneStack, Run, World, demand, run
from onestack.autoscaling.simulation.trace import Load, Trace
from onestack.core.errors import BadInput
from onestack.spec import Spec

# A target of 70 % of a member's capacity leaves room for a rising load while others start.
AIM = 0.7


@dataclass
class Fixed:
    """The same number of members all the time: the baseline of eta."""

    members: int
    name: str = "fixed size"
    every: float = 60.0

    def size(self, now: float, load: Load, serving: int, warming: int) -> int:
        return self.members

    @classmethod
    def at_the_mean(cls, trace: Trace, world: World) -> Fixed:
        """As many members as the demand needs on average, rounded."""
        _, members = demand(trace, world)
        return cls(max(round(statistics.fmean(members)), 1))


@dataclass(frozen=True)
class Replay:
    """The result. `left_out`: policies whose metric cannot be derived from a recorded load."""

    ours: Run
    fixed: Run
    left_out: tuple[str, ...]
    decisions: int

    def as_dict(self) -> dict[str, Any]:
        ours, fixed = self.ours.scores(), self.fixed.scores()
        return {
            "version": 1,
            "trace": self.ours.trace.name,
            "seconds": self.ours.trace.seconds,
            "serves": self.ours.world.serves,
            "group": {**ours.as_dict(), "eta": ours.speedup(fixed)},
            "fixed": {**fixed.as_dict(), "eta": 1.0, "size": self.fixed.supply[-1]},
            "changes": self.decisions,
            "left_out": list(self.left_out),
        }

    def picture(self) -> str:
        """The whole load, and its worst day, as SVG."""
        day, end = worst_day(self.ours), self.ours.trace.seconds
        panels = [Panel(self.ours, "All of it", 0, end), Panel(self.ours, "The worst day", day, day + 86400)]
        scores = self.ours.scores()
        caption = (
            f"{self.ours.trace.name}: too little {scores.tau_u:.2f} % of the time,"
            f" {scores.members:.1f} members on average, eta {scores.speedup(self.fixed.scores()):.2f}"
        )
        return draw(panels if end > 86400 else panels[:1], f"Scaling group {self.ours.rule}", caption)


def replay(
    spec: Spec,
    trace: Trace,
    *,
    name: str | None = None,
    serves: float | None = None,
    starts: tuple[float, float] = (30.0, 60.0),
) -> Replay:
    """Simulate the group `name` of the spec (or its only one) with the trace.

    `serves`: requests a second that one member can serve; default: its target divided by 0.7. `starts`: seconds a
    member takes until its first answer, least and most; the group's warm_up comes on top. Raises BadInput.
    """
    groups = {one.name: one for tenant in spec.tenants for one in tenant.scaling_groups}
    if name is None and len(groups) == 1:
        name = next(iter(groups))
    if name not in groups:
        hint = f"one of {', '.join(groups)}" if groups else "list one under a tenant's scaling_groups"
        raise BadInput(
            f"which scaling group? there is no '{name}'" if name else "which scaling group?", hint=hint
        )
    wanted = groups[name]
    group, left_out = _simulable(from_spec.group(wanted))
    if serves is None:
        serves = _serves(group)
    warm_up = wanted.warm_up
    world = World(
        serves, serves * AIM, group.min, group.max, starts=(starts[0] + warm_up, starts[1] + warm_up)
    )
    changes = 0

    def count(made: Any) -> None:
        nonlocal changes
        changes += made.action != "hold"

    ours = run(OneStack(group, trace, name=name, serves=serves, on_decision=count), trace, world)
    fixed = run(Fixed.at_the_mean(trace, world), trace, replace(world, min=1))
    return Replay(ours, fixed, left_out, changes)


def _simulable(group: Group) -> tuple[Group, tuple[str, ...]]:
    """The group with the policies whose metric can be derived from a recorded load."""
    able: list[Policy] = []
    left_out: list[str] = []
    for policy in group.policies:
        if policy.metric in ("", REQUESTS, CPU):
            able.append(policy)
        else:
            left_out.append(policy.name)
    return replace(group, policies=tuple(able)), tuple(left_out)


def _serves(group: Group) -> float:
    for policy in group.policies:
        if policy.aim is not None and policy.metric == REQUESTS:
            return policy.aim / AIM
    raise BadInput(
        f"how many requests a second a member of '{group.name}' can serve is not known",
        hint=f"pass --serves NUMBER, or give the group a target for {REQUESTS}",
    )
