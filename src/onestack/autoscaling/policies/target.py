"""Keep a metric per member at a value."""

from __future__ import annotations

from dataclasses import dataclass

from onestack.autoscaling.forecast import History
from onestack.autoscaling.observation import GroupObservation
from onestack.autoscaling.policy import ROUNDING, TOLERANCE, Recommendation, members_for


@dataclass(frozen=True)
class Target:
    """Keep a metric per member at a value: desired = ceil(current x value / target).

    Members that are still warming up are left out when that calls for more, and what they burn while
    starting is counted when it calls for fewer.
    """

    metric: str
    target: float
    tolerance: float = TOLERANCE

    @property
    def name(self) -> str:
        return f"target {self.metric}"

    def recommend(self, observation: GroupObservation, history: History | None = None) -> Recommendation:
        signal = observation.signals.get(self.metric)
        if signal is None or not observation.serving:
            return Recommendation(self.name, "unknown", observation.size, None, f"no data for {self.metric}")
        size = observation.size
        # Members on their way are counted as there, so that the same load does not order them twice.
        filled = signal.serving / (self.target * size)
        value = signal.serving / observation.serving
        if abs(filled - 1) <= self.tolerance + ROUNDING:
            return Recommendation(self.name, "wants", size, value)
        wanted = members_for(signal.serving, self.target)
        if wanted < size:
            wanted = min(members_for(signal.serving + signal.warming, self.target), size)
        return Recommendation(self.name, "wants", wanted, value)
