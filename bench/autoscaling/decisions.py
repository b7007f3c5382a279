"""One autoscaler deciding for many groups: CPU time for each period of five seconds, with synthetic signals.

    python bench/autoscaling/decisions.py [--groups 1000] [--members 20] [--periods 120]

Each group has four policies (two targets, a schedule, a forecast) and members with readings of their own, which are
summed up as the autoscaler has to. Loads rise and fall, so that all branches are taken. Collecting the readings
is not in it.
The bar: 1,000 groups of 20 members with less than half a core. Ends with status 1 if it is missed.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import measuring

from onestack.autoscaling.decision import Group, Memory, Rate, step
from onestack.autoscaling.decision.group import PERIOD
from onestack.autoscaling.observation import GroupObservation, Signal
from onestack.autoscaling.policies.predictive import Predictive
from onestack.autoscaling.policies.schedule import Schedule, Schedules
from onestack.autoscaling.policies.target import Target
from onestack.autoscaling.policy import Policy

BAR = 0.5  # of a core


def main() -> int:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--groups", type=int, default=1000)
    words.add_argument("--members", type=int, default=20)
    words.add_argument("--periods", type=int, default=120)
    given = words.parse_args()
    policies: list[Policy] = [
        Target("requests_per_second", 50),
        Target("cpu", 60),
        Schedules([Schedule("0 8 * * 1-5", 6), Schedule("0 18 * * 1-5", 2)]),
        Predictive("requests_per_second", 50),
    ]
    groups = [
        Group(f"g{n}", 1, 2 * given.members, policies, in_rate=Rate(1, 30)) for n in range(given.groups)
    ]
    memories = [Memory() for _ in groups]
    chance = random.Random(1)
    noise = [chance.uniform(0.8, 1.2) for _ in range(given.members)]
    taken, actions = [], {"out": 0, "in": 0, "hold": 0}
    for period in range(given.periods):
        now = period * PERIOD
        readings = []
        for number in range(given.groups):
            level = 1 + 0.5 * math.sin((now + number * 7) / 200)
            readings.append(([50 * level * n for n in noise], [60 * level * n for n in noise]))
        began = time.process_time()
        for group, memory, (requests, cpu) in zip(groups, memories, readings, strict=True):
            signals = {"requests_per_second": Signal(sum(requests)), "cpu": Signal(sum(cpu))}
            made = step(group, memory, GroupObservation(now, 1.7e9 + now, given.members, 0, signals))
            if made:
                actions[made.action] += 1
        taken.append(time.process_time() - began)
    taken.sort()
    middle, most = taken[len(taken) // 2], taken[-1]
    print(f"{given.groups} groups of {given.members} members, {given.periods} periods: {actions}")
    print(
        f"a period takes {middle * 1000:.0f} ms of CPU, {most * 1000:.0f} ms at most: {middle / PERIOD:.1%} of a core"
    )
    return 0 if most / PERIOD < BAR else 1


if __name__ == "__main__":
    measuring.run(main)
