"""Set minimum sizes by a schedule."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, Self
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import BeforeValidator, WithJsonSchema

from onestack.autoscaling.forecast import History
from onestack.autoscaling.observation import GroupObservation
from onestack.autoscaling.policy import GROUP, PolicySpec, Recommendation
from onestack.language.types import Problem, example, refused, words
from onestack.language.words import Amount


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


class SchedulePolicy(PolicySpec):
    """Set the minimum size by the time of day: of a group's schedules, the one that began last applies."""

    model_config = example(
        GROUP
        + """\
        policies:
          - {type: schedule, cron: 0 8 * * 1-5, min: 6, timezone: Europe/Berlin}
          - {type: schedule, cron: 0 18 * * 1-5, min: 2, timezone: Europe/Berlin}
"""
    )

    type: Literal["schedule"]
    """Set the minimum size by the time of day."""
    cron: Cron
    """When the schedule begins; it applies until another one of the group begins."""
    min: Amount
    """The minimum number of members from then on."""
    timezone: TimeZone | None = None
    """The time zone of `cron`; default: UTC."""

    def problems_in(self, least: int, most: int) -> Iterator[Problem]:
        if not least <= self.min <= most:
            within = f"from {least} to {most}, as the group's"
            yield Problem("'min' of a schedule outside of the group's", within, path=("min",))

    @classmethod
    def combined(cls, wanted: Sequence[Self]) -> Schedules:
        return Schedules([Schedule(each.cron, each.min, each.timezone or "UTC") for each in wanted])


@lru_cache(maxsize=10_000)
def _began(cron: str, zone: str, minute: int) -> float:
    """Cached, since within a minute the answer is the same for each group with this schedule."""
    # One second later, since cron's "before" excludes the given second.
    now = datetime.fromtimestamp(minute * 60 + 1, ZoneInfo(zone))
    found = next(CronSim(cron, now, reverse=True), None)
    return found.timestamp() if found else -math.inf


@dataclass(frozen=True)
class Schedule:
    """A minimum size from each time of the cron expression on, until another schedule of the group begins."""

    cron: str
    size: int
    zone: str = "UTC"
    forecasts: ClassVar[bool] = False
    aim: ClassVar[None] = None

    @property
    def name(self) -> str:
        return f"schedule {self.cron}"

    @property
    def metric(self) -> str:
        return ""

    def began(self, wall: float) -> float:
        """When it last began, in Unix time; minus infinity if it never did."""
        return _began(self.cron, self.zone, int(wall // 60))

    def recommend(self, observation: GroupObservation, history: History | None = None) -> Recommendation:
        return Recommendation(self.name, "wants", self.size)


@dataclass(frozen=True)
class Schedules:
    """The schedules of a group: the one that began last applies."""

    each: Sequence[Schedule]
    forecasts: ClassVar[bool] = False
    aim: ClassVar[None] = None

    @property
    def name(self) -> str:
        return "schedule"

    @property
    def metric(self) -> str:
        return ""

    def recommend(self, observation: GroupObservation, history: History | None = None) -> Recommendation:
        began, holds = max(
            ((one.began(observation.wall), one) for one in self.each), key=lambda pair: pair[0]
        )
        if began == -math.inf:
            return Recommendation(self.name, "at least", 0, None, "none has begun yet")
        return Recommendation(self.name, "wants", holds.size, None, f"since {holds.cron}")
