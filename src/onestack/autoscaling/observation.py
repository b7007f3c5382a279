"""What a decision is made from: the group's members and its signals at one moment.

Two clocks: `monotonic` measures every window and limit, so that a clock that is set wrong or stepped
changes no decision; `wall` is read only for what people mean by the time of day: schedules and seasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Signal:
    """One metric, summed over members: requests a second, per cent of CPU, jobs waiting.

    `serving`: over the members that serve. `warming`: over those that do not yet; while they start, their
    CPU says nothing about the load. Of a group as a whole (a query's value): all in `serving`.
    """

    serving: float
    warming: float = 0.0


@dataclass(frozen=True, slots=True)
class GroupObservation:
    """One moment of a group. Members that are leaving count no more.

    `signals`: by metric; one that is missing or too old is not in it.
    """

    monotonic: float
    wall: float
    serving: int
    warming: int = 0
    signals: Mapping[str, Signal] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return self.serving + self.warming
