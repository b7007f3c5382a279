"""Add by how far a value is beyond bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onestack.autoscaling.forecast import History
from onestack.autoscaling.observation import GroupObservation
from onestack.autoscaling.policy import Recommendation


@dataclass(frozen=True, slots=True)
class Step:
    """`change` members more (or fewer, if negative) once the value is beyond `bound`."""

    bound: float
    change: int


@dataclass(frozen=True)
class Steps:
    """Add by how far a value is beyond bounds. `above`: highest bound last. `below`: lowest bound last.

    The value is the signal as it is (a queue), or its mean over the members that serve (`per_member`: CPU). What is
    warming up counts as already added, so that a step is not taken again every five seconds until it shows.
    """

    metric: str
    above: Sequence[Step] = ()
    below: Sequence[Step] = ()
    per_member: bool = False

    @property
    def name(self) -> str:
        return f"step {self.metric}"

    def recommend(self, observation: GroupObservation, history: History | None = None) -> Recommendation:
        signal = observation.signals.get(self.metric)
        if signal is None or (self.per_member and not observation.serving):
            return Recommendation(self.name, "unknown", observation.size, None, f"no data for {self.metric}")
        value = signal.serving / observation.serving if self.per_member else signal.serving
        for step in reversed(self.above):
            if value > step.bound:
                size = max(observation.serving + step.change, observation.size)
                return Recommendation(self.name, "at least", size, value, f"above {step.bound:g}")
        for step in reversed(self.below):
            if value < step.bound:
                size = max(observation.size + step.change, 0)
                return Recommendation(self.name, "wants", size, value, f"below {step.bound:g}")
        # Between the bounds: with a way down of its own it wants to stay, else it leaves that to others.
        return Recommendation(self.name, "at least", observation.size if self.below else 0, value)
