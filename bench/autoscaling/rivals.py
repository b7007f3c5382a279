"""The rules we are compared with, each from its published definition. They know nothing of the harness but `Rule`."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from onestack.autoscaling.simulation.simulate import World
from onestack.autoscaling.simulation.trace import Load


@dataclass
class Kubernetes:
    """The Horizontal Pod Autoscaler with its defaults.

    From its documentation (kubernetes.io, "Horizontal Pod Autoscaling") and the source of
    pkg/controller/podautoscaler (horizontal.go, replica_calculator.go): every 15 s, desired =
    ceil(current x value / target); nothing within a tolerance of 10 %; when scaling out, pods that are not ready
    count with a value of 0, and nothing is done if that takes the reason away; out by at most 4 pods or 100 % in
    15 s, whichever is more; in to the highest recommendation of the last 300 s. Metrics are 15 s old means
    (metrics-server's default resolution).
    """

    world: World
    name: str = "Kubernetes HPA"
    every: float = 15.0
    tolerance: float = 0.1
    stabilization: float = 300.0
    resolution: float = 15.0
    _said: deque[tuple[float, int]] = field(default_factory=deque)

    def size(self, now: float, load: Load, serving: int, warming: int) -> int:
        current = serving + warming
        desired = self._desired(load.mean(now - self.resolution, now), serving, warming)
        desired = min(max(desired, self.world.min), self.world.max)
        self._said.append((now, desired))
        while self._said[0][0] < now - self.stabilization:
            self._said.popleft()
        if desired < current:
            return min(max(size for _, size in self._said), current)
        return min(desired, current + max(4, current))

    def _desired(self, rate: float, serving: int, warming: int) -> int:
        current = serving + warming
        if not serving:
            return current
        ratio = rate / serving / self.world.target
        if ratio < 1 or not warming:
            return current if abs(ratio - 1) <= self.tolerance else math.ceil(ratio * serving - 1e-9)
        with_unready = rate / current / self.world.target
        if abs(with_unready - 1) <= self.tolerance or with_unready < 1:
            return current
        return math.ceil(with_unready * current - 1e-9)


@dataclass
class TargetTracking:
    """AWS EC2 Auto Scaling, target tracking.

    From its documentation ("Target tracking scaling policies for Amazon EC2 Auto Scaling") and the two CloudWatch
    alarms it makes: the high one needs 3 of 3 one-minute points above the target, the low one 15 of 15 below 90 %
    of it. Out in proportion to the metric; members that warm up count as capacity, and their metric is left out;
    no scale-in while any warms up. In, by what keeps the metric below the target.
    """

    world: World
    name: str = "AWS target tracking"
    every: float = 60.0
    out_points: int = 3
    in_points: int = 15
    low: float = 0.9
    _points: deque[float] = field(default_factory=lambda: deque(maxlen=15))

    def size(self, now: float, load: Load, serving: int, warming: int) -> int:
        current = serving + warming
        rate = load.mean(now - 60, now)
        self._points.append(rate / max(serving, 1) / self.world.target)
        points = list(self._points)
        wanted = math.ceil(rate / self.world.target - 1e-9)
        if len(points) >= self.out_points and min(points[-self.out_points :]) > 1:
            return max(current, wanted)
        if not warming and len(points) == self.in_points and max(points) < self.low:
            return min(current, wanted)
        return current


@dataclass
class HeatAodh:
    """Heat's AutoScalingGroup with two Aodh alarms.

    From the autoscaling guides of heat-templates and Red Hat OpenStack Platform 16 ("Autoscaling for instances"):
    Gnocchi at a granularity of 60 s, one evaluation period, Aodh's evaluation_interval of 60 s, scaling policies of
    +1 and -1 with a cooldown of 60 s, in which alarms are dropped. The group takes the signals of the alarms as
    long as they last. `low`, as a share of the target, is the guides' own: 15 % of CPU
    against 50 %. No other from 0.4 to 0.8 did better on the first parts of the traces.
    """

    world: World
    name: str = "Heat + Aodh"
    every: float = 60.0
    low: float = 0.3
    cooldown: float = 60.0
    _changed: float = -math.inf

    def size(self, now: float, load: Load, serving: int, warming: int) -> int:
        current = serving + warming
        value = load.mean(now - 60, now) / max(serving, 1) / self.world.target
        if now - self._changed < self.cooldown or self.low <= value <= 1:
            return current
        self._changed = now
        return current + (1 if value > 1 else -1)
