"""The input of a decision: a group's members and signals at one moment.

`monotonic` is the clock of all windows and limits, so that a wrong or stepped system clock changes no decision;
`wall` is used only for the time of day: schedules and seasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Signal:
    """One metric, summed over members: requests a second, per cent of CPU, waiting jobs.

    `serving`: over the members that serve. `warming`: over those that do not serve yet; while they start, their CPU
    says nothing about the load. The value of a metric of the group as a whole (a query) is in `serving`.
    """

    serving: float
    warming: float = 0.0


@dataclass(frozen=True, slots=True)
class GroupObservation:
    """One moment of a group. Leaving members are not counted. `signals`: by metric, without those that are missing
    or too old."""

    monotonic: float
    wall: float
    serving: int
    warming: int = 0
    signals: Mapping[str, Signal] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return self.serving + self.warming
