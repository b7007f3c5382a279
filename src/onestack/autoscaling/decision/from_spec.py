"""From a scaling group of the spec to the one that is decided on."""

from __future__ import annotations

from collections.abc import Iterator

from onestack.autoscaling.decision.group import Group, Rate
from onestack.autoscaling.policies.predictive import Predictive
from onestack.autoscaling.policies.schedule import Schedule, Schedules
from onestack.autoscaling.policies.step import Step, Steps
from onestack.autoscaling.policies.target import Target
from onestack.autoscaling.policy import TOLERANCE, Policy
from onestack.spec.quantities import Rate as WantedRate
from onestack.spec.scaling_groups import METRICS, ScalingGroup, ScalingPolicy

HORIZON = 600.0


def group(wanted: ScalingGroup) -> Group:
    """The group with its policies, in the file's order; its schedules are one policy, as the last begun holds."""
    return Group(
        name=wanted.name,
        min=wanted.min,
        max=wanted.max,
        policies=tuple(_policies(wanted.policies)),
        stabilize=wanted.scale_in.stabilize,
        in_rate=_rate(wanted.scale_in.at_most),
        out_rate=_rate(wanted.scale_out.at_most),
        suspended=wanted.suspended,
    )


def _rate(wanted: WantedRate | None) -> Rate | None:
    return Rate(wanted.number, wanted.seconds) if wanted else None


def _policies(wanted: tuple[ScalingPolicy, ...]) -> Iterator[Policy]:
    for policy in wanted:
        # What a type needs was checked when the spec was read.
        metric, target = policy.metric or "", policy.target or 1.0
        match policy.type:
            case "target":
                yield Target(metric, target, TOLERANCE if policy.tolerance is None else policy.tolerance)
            case "predictive":
                yield Predictive(metric, target, HORIZON if policy.horizon is None else policy.horizon)
            case "step":
                above = [Step(s.above, s.add) for s in policy.steps if s.above is not None and s.add]
                below = [Step(s.below, -s.remove) for s in policy.steps if s.below is not None and s.remove]
                yield Steps(metric, above, below, per_member=METRICS.get(metric) == "%")
    schedules = [
        Schedule(one.cron, one.min, one.timezone or "UTC")
        for one in wanted
        if one.type == "schedule" and one.cron and one.min is not None
    ]
    if schedules:
        yield Schedules(schedules)
