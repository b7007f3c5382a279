"""Simulates a load, members that need time to start, and a scaling rule.

All rules have the same conditions: a rule reads the past load as it likes (`Load.mean`); its members take the same
time to start; its supply is compared with the same demand. Ours is `OneStack`, which calls the same `step` as the
autoscaler.
"""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from onestack.autoscaling.decision.decide import step
from onestack.autoscaling.decision.group import PERIOD, Decision, Group, Memory
from onestack.autoscaling.observation import GroupObservation, Signal
from onestack.autoscaling.simulation.score import Scores, score
from onestack.autoscaling.simulation.trace import Load, Trace

# The step of simulated time, in seconds.
TICK = PERIOD
# The metrics that can be derived from a recorded load: CPU is the share of a member's capacity, at most 100 %.
REQUESTS, CPU = "requests_per_second", "cpu"
# Seconds over which the rate of requests is measured: two ticks of HAProxy's counters.
AVERAGED_OVER = 10.0


@dataclass(frozen=True)
class World:
    """The conditions for all rules.

    `serves`: the requests a second that a member can serve at most. `target`: the requests a second for each member
    that rules aim at, below `serves`. `starts`: seconds from the order of a member to its first answer, minimum and
    maximum. `demand_over`: the demand is the load averaged over this many seconds: a shorter burst is a queue and
    needs no server.
    """

    serves: float
    target: float
    min: int = 1
    max: int = 50
    starts: tuple[float, float] = (30.0, 60.0)
    demand_over: float = 60.0
    seed: int = 1


class Rule(Protocol):
    """A scaling rule. `every`: seconds between two calls of `size`."""

    name: str
    every: float

    def size(self, now: float, load: Load, serving: int, warming: int) -> int:
        """The number of members to have. The rule may read the load before `now` only."""
        ...


@dataclass
class Fleet:
    """Serving members, and starting ones with the time at which they will serve."""

    serving: int
    starting: list[float] = field(default_factory=list)

    def advance(self, now: float) -> None:
        if self.starting and min(self.starting) <= now:
            self.serving += sum(ready <= now for ready in self.starting)
            self.starting = [ready for ready in self.starting if ready > now]

    def resize(self, to: int, now: float, seconds_to_start: Callable[[], float]) -> None:
        """Start missing members; remove those that do not serve yet first, the latest first."""
        missing = to - self.serving - len(self.starting)
        for _ in range(missing):
            self.starting.append(now + seconds_to_start())
        for _ in range(-missing):
            if self.starting:
                self.starting.remove(max(self.starting))
            else:
                self.serving -= 1


@dataclass(frozen=True)
class Run:
    """The result of a rule with a trace: one number for each `TICK` seconds. `load`: requests a second."""

    rule: str
    world: World
    trace: Trace
    load: Sequence[float]
    demand: Sequence[int]
    supply: Sequence[int]

    def scores(self, first: float = 0.0, last: float = math.inf) -> Scores:
        """The scores of the part from `first` to `last` seconds."""
        one, two = int(first // TICK), min(int(last / TICK), len(self.demand)) if last < math.inf else None
        return score(self.demand[one:two], self.supply[one:two], TICK)


def demand(trace: Trace, world: World) -> tuple[array[float], array[int]]:
    """The load and the members that it needs, for each tick: the reference, which no autoscaler knows beforehand."""
    load = Load(trace)
    loads, members = array("d"), array("i")
    for tick in range(int(trace.seconds // TICK)):
        begin = tick * TICK // world.demand_over * world.demand_over
        rate = load.mean(begin, min(begin + world.demand_over, trace.seconds))
        loads.append(rate)
        members.append(max(math.ceil(rate / world.serves - 1e-9), world.min))
    return loads, members


def run(rule: Rule, trace: Trace, world: World) -> Run:
    """Simulate a rule with the trace, starting with as many members as its first minute needs."""
    loads, wanted = demand(trace, world)
    load, supply = Load(trace), array("i")
    fleet = Fleet(min(max(wanted[0], world.min), world.max))
    chance = random.Random(world.seed)
    every = round(rule.every / TICK)

    def seconds_to_start() -> float:
        return chance.uniform(*world.starts)

    for tick in range(len(wanted)):
        now = tick * TICK
        fleet.advance(now)
        if tick and tick % every == 0:
            size = rule.size(now, load, fleet.serving, len(fleet.starting))
            fleet.resize(min(max(size, world.min), world.max), now, seconds_to_start)
        supply.append(fleet.serving)
    return Run(rule.name, world, trace, loads, wanted, supply)


class OneStack:
    """Our decisions: calls the autoscaler's code with what it would observe of this load.

    `averaged_over`: seconds over which each tick's signal is averaged, as HAProxy's rates are. `serves`: a member's
    capacity, for CPU. `on_decision`: called with each decision.
    """

    every = PERIOD

    def __init__(
        self,
        group: Group,
        trace: Trace,
        *,
        name: str = "OneStack",
        averaged_over: float = AVERAGED_OVER,
        serves: float = math.inf,
        on_decision: Callable[[Decision], None] | None = None,
    ) -> None:
        self.name = name
        self._group, self._memory = group, Memory()
        self._start, self._averaged_over, self._serves = trace.start, averaged_over, serves
        self._on_decision = on_decision

    def size(self, now: float, load: Load, serving: int, warming: int) -> int:
        rate = load.mean(now - self._averaged_over, now)
        signals = {REQUESTS: Signal(rate), CPU: Signal(100 * min(rate / self._serves, serving))}
        observation = GroupObservation(now, self._start + now, serving, warming, signals)
        made = step(self._group, self._memory, observation)
        if made is None:
            return serving + warming
        if self._on_decision:
            self._on_decision(made)
        return made.to if made.done else serving + warming
