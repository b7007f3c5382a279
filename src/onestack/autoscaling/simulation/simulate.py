"""A load, a fleet that needs time to start, and a rule that says how large it should be, in simulated time.

The same for every rule: how it learns of the load is its own affair (`Load.mean` over what has passed); what it
orders takes the same time to start; what serves is compared with the same demand. Ours is `OneStack`, which
calls the very `step` that the autoscaler calls.
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

# Simulated time goes on by this many seconds.
TICK = PERIOD
# The metrics that can be told from a recorded load: CPU as the share of what a member can serve, at most all of it.
REQUESTS, CPU = "requests_per_second", "cpu"
# Seconds over which the rate of requests is measured: two ticks of HAProxy's counters.
AVERAGED_OVER = 10.0


@dataclass(frozen=True)
class World:
    """What is the same for all rules.

    `serves`: requests a second that one member can serve at most. `target`: what rules aim at for each member,
    below that. `starts`: seconds from the order of a member to its first answer, least and most. `demand_over`: the
    load is averaged over so many seconds for the demand: a burst shorter than this is a queue, no need for a server.
    """

    serves: float
    target: float
    min: int = 1
    max: int = 50
    starts: tuple[float, float] = (30.0, 60.0)
    demand_over: float = 60.0
    seed: int = 1


class Rule(Protocol):
    """A way to scale. `every`: seconds between two calls of `size`."""

    name: str
    every: float

    def size(self, now: float, load: Load, serving: int, warming: int) -> int:
        """How many members there should be. The rule may ask for the load of times before `now` only."""
        ...


@dataclass
class Fleet:
    """Members that serve, and those that are starting with the time from which they will."""

    serving: int
    starting: list[float] = field(default_factory=list)

    def advance(self, now: float) -> None:
        if self.starting and min(self.starting) <= now:
            self.serving += sum(ready <= now for ready in self.starting)
            self.starting = [ready for ready in self.starting if ready > now]

    def resize(self, to: int, now: float, seconds_to_start: Callable[[], float]) -> None:
        """Start what is missing; take away first what is not serving yet, the latest first."""
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
    """What a rule made of a trace: one number each `TICK` seconds. `load`: requests a second."""

    rule: str
    world: World
    trace: Trace
    load: Sequence[float]
    demand: Sequence[int]
    supply: Sequence[int]

    def scores(self, first: float = 0.0, last: float = math.inf) -> Scores:
        """Of the part from `first` to `last` seconds."""
        one, two = int(first // TICK), min(int(last / TICK), len(self.demand)) if last < math.inf else None
        return score(self.demand[one:two], self.supply[one:two], TICK)


def demand(trace: Trace, world: World) -> tuple[array[float], array[int]]:
    """The load and the members it takes, for each tick: what no autoscaler knows beforehand."""
    load = Load(trace)
    loads, members = array("d"), array("i")
    for tick in range(int(trace.seconds // TICK)):
        begin = tick * TICK // world.demand_over * world.demand_over
        rate = load.mean(begin, min(begin + world.demand_over, trace.seconds))
        loads.append(rate)
        members.append(max(math.ceil(rate / world.serves - 1e-9), world.min))
    return loads, members


def run(rule: Rule, trace: Trace, world: World) -> Run:
    """The trace through the rule, from as many members as its first minute takes."""
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
    """Our decisions: what the autoscaler would observe of this load, given to what it would call.

    `averaged_over`: seconds over which the signal of each tick is averaged, as the rate from HAProxy's counters is.
    `serves`: what CPU is worked out from. `on_decision` hears each decision.
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
