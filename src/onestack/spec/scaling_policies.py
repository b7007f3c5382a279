"""What calls for more members of a scaling group, or fewer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import BeforeValidator, PlainSerializer, PlainValidator, WithJsonSchema

from onestack.language.quantities import Duration, Share
from onestack.language.types import Number, Problem, Section, Text, as_written, example, refused, words
from onestack.language.words import Amount, Size

# What is measured without a query, and in what; a target for one in per cent is written `60%`.
METRICS = {
    "cpu": "%",
    "memory": "%",
    "requests_per_second": "requests",
    "connections": "connections",
    "network": "bytes a second",
    "disk": "bytes a second",
    "queue": "requests",
    "response_time": "milliseconds",
    "errors_per_second": "requests",
}
# They do not halve when members are doubled, so no number of members can be worked out from them.
NOT_SHARED = ("response_time",)
_TARGET = "a number above 0, or a percentage: 50, 60%"
# Which keys belong to which type of policy; those after the first `|` may be left out.
_KEYS = {
    "target": (("metric", "target"), ("query", "tolerance")),
    "step": (("metric", "steps"), ("query",)),
    "schedule": (("cron", "min"), ("timezone",)),
    "predictive": (("metric", "target"), ("query", "horizon")),
}

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
"""A tenant with a group, to be gone on with: the beginning of examples."""


class Percentage(float):
    """A value in per cent: 60.0 for `60%`."""


def _target(value: Any) -> Any:
    if isinstance(value, Percentage):
        return value
    text = as_written(value)
    percent = isinstance(text, str) and text.strip().endswith("%")
    try:
        number = float(text.strip().rstrip("%")) if percent else float(value)
        if isinstance(value, (bool, str)) and not percent:
            raise ValueError
    except (TypeError, ValueError, AttributeError) as error:
        raise refused(Problem(f"{words(value)} is no target", _TARGET)) from error
    if not 0 < number < 1e15 or (percent and number > 100):
        why = (
            "a target of zero would take infinitely many members"
            if number == 0
            else f"{words(value)} is no target"
        )
        raise refused(Problem(why, _TARGET))
    return Percentage(number) if percent else number


TargetValue = Annotated[
    float,
    PlainValidator(_target),
    PlainSerializer(lambda value: f"{value:.15g}%" if isinstance(value, Percentage) else float(value)),
    WithJsonSchema({"type": ["number", "string"], "x-allowed": _TARGET}),
]


def _cron(value: Any) -> Any:
    allowed = "a cron expression of five fields: 0 8 * * 1-5"
    if not isinstance(value, str) or len(value.split()) != 5:
        raise refused(Problem(f"{words(value)} is not a cron expression", allowed))
    try:
        next(CronSim(value, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        why = str(error) or "it never comes"
        raise refused(Problem(f"'{value}' is not a cron expression: {why}", allowed)) from error
    return value


def _zone(value: Any) -> Any:
    try:
        return ZoneInfo(value).key
    except (KeyError, OSError, ValueError, TypeError) as error:
        raise refused(
            Problem(f"there is no time zone {words(value)}", "a name such as Europe/Berlin")
        ) from error


Cron = Annotated[str, BeforeValidator(_cron), WithJsonSchema({"type": "string", "x-allowed": "0 8 * * 1-5"})]
TimeZone = Annotated[
    str, BeforeValidator(_zone), WithJsonSchema({"type": "string", "x-allowed": "Europe/Berlin"})
]


class ScalingStep(Section):
    """By how much a value beyond a bound changes the group."""

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
    """… so many members more."""
    below: Number | None = None
    """Below this value…"""
    remove: Size | None = None
    """… so many members fewer."""

    def problems(self) -> Iterator[Problem]:
        given = {key for key in ("above", "add", "below", "remove") if getattr(self, key) is not None}
        if given not in ({"above", "add"}, {"below", "remove"}):
            yield Problem("a step is 'above' with 'add', or 'below' with 'remove'", "{above: 100, add: 2}")


class ScalingPolicy(Section):
    """What calls for more members or fewer. A group grows if any policy wants that, and shrinks only if all agree."""

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

    type: Literal["target", "step", "schedule", "predictive"]
    """`target`: keep a metric per member at a value. `step`: add by how far a value is off. `schedule`: by the clock.
    `predictive`: before the load comes, from its history."""
    metric: Text | None = None
    """What is measured: cpu, memory, requests_per_second, connections, network, disk, queue, response_time,
    errors_per_second; or any name with `query`."""
    query: Text | None = None
    """In place of a metric of ours: a PromQL query that gives one number for the group."""
    target: TargetValue | None = None
    """The value for each member."""
    tolerance: Share | None = None
    """How far from the target nothing is done; unless said 10%."""
    steps: tuple[ScalingStep, ...] = ()
    """The steps, bounds rising for `above` and falling for `below`."""
    cron: Cron | None = None
    """When the schedule begins; it holds until another one of the group begins."""
    timezone: TimeZone | None = None
    """Where the clock of `cron` hangs; unless said UTC."""
    min: Amount | None = None
    """From then on no fewer members than this."""
    horizon: Duration | None = None
    """How far ahead it looks; unless said 10m."""

    def problems(self) -> Iterator[Problem]:
        needed, optional = _KEYS[self.type]
        for key in needed:
            if getattr(self, key) in (None, ()):
                yield Problem(
                    f"a {self.type} policy without '{key}'", f"'{key}' says what it does", path=("type",)
                )
        for key in sorted(self.model_fields_set - {"type", *needed, *optional}):
            others = " and ".join(one for one, keys in _KEYS.items() if key in (*keys[0], *keys[1]))
            yield Problem(f"'{key}' is for {others} policies", ", ".join((*needed, *optional)), path=(key,))
        yield from self._about_the_metric()
        for key, bounds, rising in (
            ("above", [step.above for step in self.steps if step.above is not None], True),
            ("below", [step.below for step in self.steps if step.below is not None], False),
        ):
            if bounds != sorted(set(bounds), reverse=not rising):
                order = "rise" if rising else "fall"
                yield Problem(
                    f"the bounds '{key}' do not {order}", "each bound once, in order", path=("steps",)
                )

    def _about_the_metric(self) -> Iterator[Problem]:
        if self.metric is None:
            return
        unit = METRICS.get(self.metric)
        if unit is None and self.query is None:
            near = get_close_matches(self.metric, METRICS, 1)
            hint = f"did you mean '{near[0]}'?" if near else "a metric of your own needs a 'query'"
            yield Problem(
                f"there is no metric '{self.metric}'", f"one of {', '.join(METRICS)}", hint, ("metric",)
            )
        elif unit is not None and self.query is not None:
            yield Problem(
                f"'{self.metric}' is measured already", "another name for the query", path=("query",)
            )
        elif self.metric in NOT_SHARED and self.type in ("target", "predictive"):
            hint = "use a step policy"
            yield Problem(
                f"{self.metric} is not shared out over members", "another metric", hint, ("metric",)
            )
        elif unit and self.target is not None and (unit == "%") != isinstance(self.target, Percentage):
            shown = "a percentage: 60%" if unit == "%" else f"a number of {unit}"
            yield Problem(f"{self.metric} is measured in {unit}", shown, path=("target",))
