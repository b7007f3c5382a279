"""By the clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim

from onestack.autoscaling.forecast import History
from onestack.autoscaling.observation import GroupObservation
from onestack.autoscaling.policy import Recommendation


@lru_cache(maxsize=10_000)
def _began(cron: str, zone: str, minute: int) -> float:
    """Within a minute the answer is the same, for every group with this schedule."""
    # A second on: cron's "before" leaves out the very second.
    now = datetime.fromtimestamp(minute * 60 + 1, ZoneInfo(zone))
    found = next(CronSim(cron, now, reverse=True), None)
    return found.timestamp() if found else -math.inf


@dataclass(frozen=True)
class Schedule:
    """From each time of the cron expression on, a size to keep, until another schedule of the group begins."""

    cron: str
    size: int
    zone: str = "UTC"

    @property
    def name(self) -> str:
        return f"schedule {self.cron}"

    @property
    def metric(self) -> str:
        return ""

    def began(self, wall: float) -> float:
        """When it last began, in seconds since 1970; minus infinity if it never did."""
        return _began(self.cron, self.zone, int(wall // 60))

    def recommend(self, observation: GroupObservation, history: History | None = None) -> Recommendation:
        return Recommendation(self.name, "wants", self.size)


@dataclass(frozen=True)
class Schedules:
    """The schedules of a group: the one that began last holds."""

    each: Sequence[Schedule]

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
