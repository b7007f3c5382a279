"""What every policy has in common: a recommendation for one moment of a group. Pure.

A recommendation is a size and how it is meant:

- `wants`: this size. A smaller one than now is a vote for scaling in.
- `at least`: no fewer than this. It can call for scaling out, and never starts scaling in.
- `unknown`: the signal is missing. Nothing is called for, and nothing may go.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

from onestack.autoscaling.forecast import History
from onestack.autoscaling.observation import GroupObservation, Signal

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
    def recommend(self, observation: GroupObservation, history: History | None) -> Recommendation: ...


def members_for(load: float, target: float) -> int:
    """How many members keep the load per member at or below the target."""
    return math.ceil(load / target - ROUNDING)


def scaled(observation: GroupObservation, size: int) -> GroupObservation:
    """The same load on another number of members, all of them serving: what a scale-in would lead to."""
    signals = {name: Signal(signal.serving + signal.warming) for name, signal in observation.signals.items()}
    return GroupObservation(observation.monotonic, observation.wall, size, 0, signals)
