"""Scale out before the load comes, by a forecast from its history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from onestack.autoscaling.forecast import Forecast, History
from onestack.autoscaling.observation import GroupObservation
from onestack.autoscaling.policy import GROUP, AimedPolicy, Recommendation, members_for
from onestack.language.quantities import Duration
from onestack.language.types import example

HORIZON = 600.0
"""Seconds."""


class PredictivePolicy(AimedPolicy):
    """Scale out before the load comes, by a forecast from the same time of previous days."""

    model_config = example(
        GROUP
        + "        policies: [{type: predictive, metric: requests_per_second, target: 50, horizon: 10m}]\n"
    )

    type: Literal["predictive"]
    """Scale out before the load comes, by a forecast."""
    horizon: Duration | None = None
    """How far ahead it forecasts; default: 10m."""

    def policy(self) -> Predictive:
        return Predictive(self.metric, self.target, HORIZON if self.horizon is None else self.horizon)


@dataclass(frozen=True)
class Predictive:
    """Scales out for the forecast load; never scales in. `horizon`: seconds of the forecast; longer than a member's
    start."""

    metric: str
    target: float
    horizon: float = HORIZON
    forecasts: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return f"predictive {self.metric}"

    @property
    def aim(self) -> float:
        return self.target

    def recommend(self, observation: GroupObservation, history: History | None = None) -> Recommendation:
        made: Forecast | None = history.forecast(self.horizon) if history else None
        if made is None:
            return Recommendation(self.name, "at least", 0, None, "not enough history yet")
        return Recommendation(
            self.name, "at least", members_for(made.load, self.target), made.load, f"error {made.error:.0%}"
        )
