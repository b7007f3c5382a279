"""The interface of all policies: their section in the spec, and a recommendation for one moment of a group. Pure.

A recommendation is a size and a meaning:

- `wants`: this size. One below the present size is a vote for scaling in.
- `at least`: no fewer than this. It can cause scaling out, but never scaling in.
- `unknown`: the signal is missing. It causes nothing, and prevents scaling in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, Protocol, Self

from onestack.autoscaling.forecast import History
from onestack.autoscaling.metrics import METRICS, NOT_SHARED, Percentage, TargetValue
from onestack.autoscaling.observation import GroupObservation, Signal
from onestack.language.types import Problem, Section, Text, example

Meaning = Literal["wants", "at least", "unknown"]

# Rounding errors: 1.0000000001 members are one.
ROUNDING = 1e-9


GROUP = """\
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    routers: [{name: edge, external: public, networks: [front]}]
    scaling_groups:
      - name: web
        min: 2
        max: 20
        server: {image: tiny, flavor: m1.nano, network: front}
"""
"""The beginning of examples: a tenant with a group, up to its policies."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`value`: what the policy measured, for each member if it has a target; None: nothing."""

    policy: str
    meaning: Meaning
    size: int
    value: float | None = None
    why: str = ""


class Policy(Protocol):
    """What a decision needs of a policy.

    `name`: its name in the history. `metric`: the metric that it reads; empty: none. `forecasts`: whether the
    metric's history is kept for it. `aim`: its target for each member; None: none.
    """

    @property
    def name(self) -> str: ...
    @property
    def metric(self) -> str: ...
    @property
    def forecasts(self) -> bool: ...
    @property
    def aim(self) -> float | None: ...
    def recommend(self, observation: GroupObservation, history: History | None) -> Recommendation: ...


class PolicySpec(Section):
    """A scaling policy. A group grows if any policy recommends it, and shrinks only if all agree."""

    model_config = example(
        GROUP
        + """\
        policies:
          - {type: target, metric: requests_per_second, target: 50}
          - {type: target, metric: cpu, target: 60%}
          - {type: schedule, cron: 0 8 * * 1-5, min: 6, timezone: Europe/Berlin}
          - {type: schedule, cron: 0 18 * * 1-5, min: 2, timezone: Europe/Berlin}
          - {type: predictive, metric: requests_per_second, target: 50, horizon: 10m}
"""
    )

    type: Text
    """The type of policy."""

    def problems_in(self, least: int, most: int) -> Iterator[Problem]:
        """The problems of the policy in a group of `least` to `most` members."""
        return iter(())

    def policy(self) -> Policy | None:
        """The policy; None for a type of which a group's policies are combined into one."""
        return None

    @classmethod
    def combined(cls, wanted: Sequence[Self]) -> Policy | None:
        """The combination of a group's policies of this type; None if they are not combined."""
        return None


class MeasuredPolicy(PolicySpec):
    """A policy that reads a metric."""

    metric: Text
    """The metric: cpu, memory, requests_per_second, connections, network, disk, queue, response_time,
    errors_per_second; or any name with `query`."""
    query: Text | None = None
    """Instead of a built-in metric: a PromQL query that yields one number for the group."""

    def problems(self) -> Iterator[Problem]:
        unit = METRICS.get(self.metric)
        if unit is None and self.query is None:
            near = get_close_matches(self.metric, METRICS, 1)
            hint = f"did you mean '{near[0]}'?" if near else "a metric of your own needs a 'query'"
            yield Problem(
                f"there is no metric '{self.metric}'", f"one of {', '.join(METRICS)}", hint, ("metric",)
            )
        elif unit is not None and self.query is not None:
            yield Problem(
                f"'{self.metric}' is a built-in metric", "another name for the query", path=("query",)
            )
        else:
            yield from self._about_the_metric(unit)

    def _about_the_metric(self, unit: str | None) -> Iterator[Problem]:
        return iter(())


class AimedPolicy(MeasuredPolicy):
    """A policy that keeps a metric at a value for each member."""

    target: TargetValue
    """The value for each member."""

    def _about_the_metric(self, unit: str | None) -> Iterator[Problem]:
        if self.metric in NOT_SHARED:
            hint = "use a step policy"
            yield Problem(
                f"{self.metric} cannot have a target per member", "another metric", hint, ("metric",)
            )
        elif unit and (unit == "%") != isinstance(self.target, Percentage):
            shown = "a percentage: 60%" if unit == "%" else f"a number of {unit}"
            yield Problem(f"{self.metric} is measured in {unit}", shown, path=("target",))


def members_for(load: float, target: float) -> int:
    """How many members keep the load per member at or below the target."""
    return math.ceil(load / target - ROUNDING)


def scaled(observation: GroupObservation, size: int) -> GroupObservation:
    """The same load on another number of members, all of them serving, as after a change of size."""
    signals = {name: Signal(signal.serving + signal.warming) for name, signal in observation.signals.items()}
    return GroupObservation(observation.monotonic, observation.wall, size, 0, signals)
