"""Keep a metric per member at a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from onestack.autoscaling.forecast import History
from onestack.autoscaling.observation import GroupObservation
from onestack.autoscaling.policy import GROUP, ROUNDING, AimedPolicy, Recommendation, members_for
from onestack.language.quantities import Share
from onestack.language.types import example

# Within a tenth of the target the size is not changed: the effect would not be measurable.
TOLERANCE = 0.10


class TargetPolicy(AimedPolicy):
    """Keep a metric per member at a value."""

    model_config = example(
        GROUP + "        policies: [{type: target, metric: cpu, target: 60%, tolerance: 5%}]\n"
    )

    type: Literal["target"]
    """Keep a metric per member at a value."""
    tolerance: Share | None = None
    """The deviation from the target at which nothing is done; default: 10%."""

    def policy(self) -> Target:
        return Target(self.metric, self.target, TOLERANCE if self.tolerance is None else self.tolerance)


@dataclass(frozen=True)
class Target:
    """Keep a metric per member at a value: desired = ceil(current x value / target).

    The load of members that are still warming up is ignored when scaling out, and counted when scaling in.
    """

    metric: str
    target: float
    tolerance: float = TOLERANCE
    forecasts: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return f"target {self.metric}"

    @property
    def aim(self) -> float:
        return self.target

    def recommend(self, observation: GroupObservation, history: History | None = None) -> Recommendation:
        signal = observation.signals.get(self.metric)
        if signal is None or not observation.serving:
            return Recommendation(self.name, "unknown", observation.size, None, f"no data for {self.metric}")
        size = observation.size
        # Members that are starting count towards the size, so that the same load does not add them twice.
        filled = signal.serving / (self.target * size)
        value = signal.serving / observation.serving
        if abs(filled - 1) <= self.tolerance + ROUNDING:
            return Recommendation(self.name, "wants", size, value)
        wanted = members_for(signal.serving, self.target)
        if wanted < size:
            wanted = min(members_for(signal.serving + signal.warming, self.target), size)
        return Recommendation(self.name, "wants", wanted, value)
