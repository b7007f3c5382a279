"""Change the size in steps, by how far a value is beyond bounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from onestack.autoscaling.forecast import History
from onestack.autoscaling.metrics import METRICS
from onestack.autoscaling.observation import GroupObservation
from onestack.autoscaling.policy import GROUP, MeasuredPolicy, Recommendation
from onestack.language.types import Number, Problem, Section, example
from onestack.language.words import Size


class ScalingStep(Section):
    """A step: how a value beyond a bound changes the size."""

    model_config = example(
        GROUP
        + """\
        policies:
          - {type: step, metric: queue, steps: [{above: 100, add: 2}, {above: 500, add: 5}, {below: 5, remove: 1}]}
"""
    )

    above: Number | None = None
    """Above this value…"""
    add: Size | None = None
    """… this many members are added."""
    below: Number | None = None
    """Below this value…"""
    remove: Size | None = None
    """… this many members are removed."""

    def problems(self) -> Iterator[Problem]:
        given = {key for key in ("above", "add", "below", "remove") if getattr(self, key) is not None}
        if given not in ({"above", "add"}, {"below", "remove"}):
            yield Problem("a step is 'above' with 'add', or 'below' with 'remove'", "{above: 100, add: 2}")


class StepPolicy(MeasuredPolicy):
    """Change the size in steps, by how far a value is beyond bounds."""

    model_config = example(
        GROUP
        + """\
        policies:
          - {type: step, metric: response_time, steps: [{above: 200, add: 1}, {above: 1000, add: 4}]}
"""
    )

    type: Literal["step"]
    """Change the size in steps, by how far a value is beyond bounds."""
    steps: tuple[ScalingStep, ...]
    """The steps, with ascending bounds for `above` and descending bounds for `below`."""

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        for key, bounds, rising in (
            ("above", [step.above for step in self.steps if step.above is not None], True),
            ("below", [step.below for step in self.steps if step.below is not None], False),
        ):
            if bounds != sorted(set(bounds), reverse=not rising):
                order = "rise" if rising else "fall"
                yield Problem(
                    f"the bounds '{key}' do not {order}", "each bound once, in order", path=("steps",)
                )

    def policy(self) -> Steps:
        above = [Step(s.above, s.add) for s in self.steps if s.above is not None and s.add]
        below = [Step(s.below, -s.remove) for s in self.steps if s.below is not None and s.remove]
        return Steps(self.metric, above, below, per_member=METRICS.get(self.metric) == "%")


@dataclass(frozen=True, slots=True)
class Step:
    """`change` members more (or fewer, if negative) when the value is beyond `bound`."""

    bound: float
    change: int


@dataclass(frozen=True)
class Steps:
    """Changes the size by how far a value is beyond bounds.

    `above`: ascending bounds. `below`: descending bounds. The value is the signal itself (a queue), or its mean over
    the serving members (`per_member`: CPU). Members that are warming up count as added, so that a step is not
    repeated every five seconds until they serve.
    """

    metric: str
    above: Sequence[Step] = ()
    below: Sequence[Step] = ()
    per_member: bool = False
    forecasts: ClassVar[bool] = False
    aim: ClassVar[None] = None

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
        # Between the bounds: a policy with steps below wants the present size, another one leaves it to other
        # policies.
        return Recommendation(self.name, "at least", observation.size if self.below else 0, value)
