"""A scaling group as input of a decision, the memory of earlier decisions, and the decision itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from onestack.autoscaling.forecast import History
from onestack.autoscaling.observation import GroupObservation
from onestack.autoscaling.policy import Policy, Recommendation

# Seconds between two decisions on one group; and by how many a decision may be early, so that it is not a whole cycle
# of the autoscaler late.
PERIOD, EARLY = 5.0, 0.5

Action = Literal["out", "in", "hold"]


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `members` within `seconds`."""

    members: int
    seconds: float


@dataclass(frozen=True)
class Group:
    """`stabilize`: the length of the stabilisation window, in seconds: scaling in never goes below the highest
    recommendation in it."""

    name: str
    min: int
    max: int
    policies: Sequence[Policy] = ()
    stabilize: float = 300.0
    in_rate: Rate | None = None
    out_rate: Rate | None = None
    suspended: bool = False

    @property
    def forecast_metrics(self) -> frozenset[str]:
        """The metrics whose history is kept."""
        return frozenset(policy.metric for policy in self.policies if policy.forecasts)


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided and why. `to`: the new size. `done`: false if the group is suspended.

    `limits`: why `to` differs from what the policies recommend, in the order in which the limits were applied.
    """

    group: str
    observation: GroupObservation
    recommendations: tuple[Recommendation, ...]
    recommended: int
    to: int
    limits: tuple[str, ...] = ()
    done: bool = True

    @property
    def action(self) -> Action:
        return (
            "out" if self.to > self.observation.size else "in" if self.to < self.observation.size else "hold"
        )

    def as_dict(self) -> dict[str, Any]:
        """For `scale history`."""
        return {
            "time": self.observation.wall,
            "group": self.group,
            "size": self.observation.size,
            "serving": self.observation.serving,
            "warming": self.observation.warming,
            "signals": {name: signal.serving for name, signal in self.observation.signals.items()},
            "recommendations": [
                {
                    "policy": each.policy,
                    "meaning": each.meaning,
                    "size": each.size,
                    "value": each.value,
                    "why": each.why,
                }
                for each in self.recommendations
            ],
            "recommended": self.recommended,
            "action": self.action,
            "to": self.to,
            "limits": list(self.limits),
            "done": self.done,
        }

    def __str__(self) -> str:
        """For `scale why`: one line."""
        size = self.observation.size
        words = {"out": f"{size} -> {self.to}", "in": f"{size} -> {self.to}", "hold": f"stays at {size}"}
        reasons = []
        for each in self.recommendations:
            value = f" at {each.value:.4g}" if each.value is not None else ""
            size_text = {"wants": f"wants {each.size}", "at least": f"at least {each.size}"}
            reason = f" ({each.why})" if each.why else ""
            reasons.append(f"{each.policy}{value}: {size_text.get(each.meaning, 'does not know')}{reason}")
        parts = [words[self.action], *reasons, *self.limits]
        if not self.done:
            parts.append("suspended: nothing was done")
        return "; ".join(parts)


@dataclass
class Memory:
    """The earlier observations and decisions that a decision depends on. If they are lost, scaling in waits for a
    whole stabilisation window."""

    recommended: deque[tuple[float, int]] = field(default_factory=deque)
    changes: deque[tuple[float, int]] = field(default_factory=deque)
    histories: dict[str, History] = field(default_factory=dict)
    first_observed: float | None = None
    last_decided: float | None = None

    def due(self, monotonic: float) -> bool:
        """Whether the next decision is due: PERIOD after the last one."""
        return self.last_decided is None or monotonic - self.last_decided >= PERIOD - EARLY

    def add_observation(self, group: Group, observation: GroupObservation) -> None:
        """Add an observation, before the decision on it, to the histories that forecasts are based on."""
        if self.first_observed is None:
            self.first_observed = observation.monotonic
        for metric in group.forecast_metrics:
            if (signal := observation.signals.get(metric)) is not None:
                self.histories.setdefault(metric, History()).observe(observation.wall, signal.serving)

    def add_decision(self, group: Group, decision: Decision) -> None:
        """Add a decision, for the stabilisation window and the rate limits of later ones."""
        now = decision.observation.monotonic
        self.last_decided = now
        self.add_recommendation(now, decision.recommended)
        while self.recommended[0][0] < now - group.stabilize:
            self.recommended.popleft()
        if decision.done and decision.to != decision.observation.size:
            self.changes.append((now, decision.to - decision.observation.size))
        longest = max(rate.seconds if rate else 0.0 for rate in (group.in_rate, group.out_rate))
        while self.changes and self.changes[0][0] <= now - longest:
            self.changes.popleft()

    def add_recommendation(self, now: float, size: int) -> None:
        """Add a recommended size to the stabilisation window: a decision's, or one set by hand."""
        # Older sizes that are not higher can never be the highest of a window again.
        while self.recommended and self.recommended[-1][1] <= size:
            self.recommended.pop()
        self.recommended.append((now, size))

    def highest(self, now: float, window: float) -> tuple[float, int] | None:
        """When the highest recommendation of the window was made, and its size."""
        return next((each for each in self.recommended if each[0] >= now - window), None)

    def changed(self, now: float, rate: Rate, *, out: bool) -> int:
        """How many members were added (or removed) within the rate's seconds."""
        return sum(
            abs(change) for at, change in self.changes if at > now - rate.seconds and (change > 0) == out
        )
