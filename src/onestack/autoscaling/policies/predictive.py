"""Before the load comes, from its history."""

from __future__ import annotations

from dataclasses import dataclass

from onestack.autoscaling.forecast import Forecast, History
from onestack.autoscaling.observation import GroupObservation
from onestack.autoscaling.policy import Recommendation, members_for


@dataclass(frozen=True)
class Predictive:
    """Be ready for the load that the same time of former days brought. Never scales in.

    `horizon`: seconds it looks ahead; longer than a member needs to start.
    """

    metric: str
    target: float
    horizon: float = 600.0

    @property
    def name(self) -> str:
        return f"predictive {self.metric}"

    def recommend(self, observation: GroupObservation, history: History | None = None) -> Recommendation:
        made: Forecast | None = history.forecast(self.horizon) if history else None
        if made is None:
            return Recommendation(self.name, "at least", 0, None, "not enough history yet")
        return Recommendation(
            self.name, "at least", members_for(made.load, self.target), made.load, f"error {made.error:.0%}"
        )
