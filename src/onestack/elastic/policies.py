"""What each policy recommends, seen for itself. Pure: the same moment gives the same recommendation.

A recommendation is a size and how it is meant:

- `wants`: this size. A smaller one than now is a vote for scaling in.
- `at least`: no fewer than this. It can call for scaling out, and never starts scaling in.
- `unknown`: the signal is missing. Nothing is called for, and nothing may go.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim

from onestack.elastic.forecast import Forecast, History
from onestack.elastic.seen import Seen, Signal

Meaning = Literal["wants", "at least", "unknown"]

# Within a tenth of the target nothing is done: it would change nothing that anyone could measure.
TOLERANCE = 0.10
# 1.0000000001 members are one: what floating point adds is no load.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`value`: what the policy measured, per member where it has a target; None: nothing."""

    policy: str
    meaning: Meaning
    size: int
    value: float | None = None
    why: str = ""


class Policy(Protocol):
    """What the decision needs of a policy. `name`: how the history calls it, `metric`: what it reads, if any."""

    @property
    def name(self) -> str: ...
    @property
    def metric(self) -> str: ...
    def recommend(self, seen: Seen, history: History | None) -> Recommendation: ...


def members_for(load: float, target: float) -> int:
    """How many members keep the load per member at or below the target."""
    return math.ceil(load / target - ROUNDING)


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

    def recommend(self, seen: Seen, history: History | None = None) -> Recommendation:
        signal = seen.signals.get(self.metric)
        if signal is None or not seen.serving:
            return Recommendation(self.name, "unknown", seen.size, None, f"no data for {self.metric}")
        size = seen.size
        # Members on their way are counted as there, so that the same load does not order them twice.
        filled = signal.serving / (self.target * size)
        value = signal.serving / seen.serving
        if abs(filled - 1) <= self.tolerance + ROUNDING:
            return Recommendation(self.name, "wants", size, value)
        wanted = members_for(signal.serving, self.target)
        if wanted < size:
            wanted = min(members_for(signal.serving + signal.warming, self.target), size)
        return Recommendation(self.name, "wants", wanted, value)


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

    def recommend(self, seen: Seen, history: History | None = None) -> Recommendation:
        signal = seen.signals.get(self.metric)
        if signal is None or (self.per_member and not seen.serving):
            return Recommendation(self.name, "unknown", seen.size, None, f"no data for {self.metric}")
        value = signal.serving / seen.serving if self.per_member else signal.serving
        for step in reversed(self.above):
            if value > step.bound:
                size = max(seen.serving + step.change, seen.size)
                return Recommendation(self.name, "at least", size, value, f"above {step.bound:g}")
        for step in reversed(self.below):
            if value < step.bound:
                size = max(seen.size + step.change, 0)
                return Recommendation(self.name, "wants", size, value, f"below {step.bound:g}")
        # Between the bounds: with a way down of its own it wants to stay, else it leaves that to others.
        return Recommendation(self.name, "at least", seen.size if self.below else 0, value)


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

    def recommend(self, seen: Seen, history: History | None = None) -> Recommendation:
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

    def recommend(self, seen: Seen, history: History | None = None) -> Recommendation:
        began, holds = max(((one.began(seen.wall), one) for one in self.each), key=lambda pair: pair[0])
        if began == -math.inf:
            return Recommendation(self.name, "at least", 0, None, "none has begun yet")
        return Recommendation(self.name, "wants", holds.size, None, f"since {holds.cron}")


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

    def recommend(self, seen: Seen, history: History | None = None) -> Recommendation:
        made: Forecast | None = history.forecast(self.horizon) if history else None
        if made is None:
            return Recommendation(self.name, "at least", 0, None, "not enough history yet")
        return Recommendation(
            self.name, "at least", members_for(made.load, self.target), made.load, f"error {made.error:.0%}"
        )


def scaled(seen: Seen, size: int) -> Seen:
    """The same load on another number of members, all of them serving: what a scale-in would lead to."""
    signals = {name: Signal(signal.serving + signal.warming) for name, signal in seen.signals.items()}
    return Seen(seen.monotonic, seen.wall, size, 0, signals)
