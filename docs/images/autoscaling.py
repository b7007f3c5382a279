"""The pictures of docs/autoscaling.md: each policy in the simulator, on a load made for it.

python docs/images/autoscaling.py
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path

from onestack.autoscaling.decision import Group
from onestack.autoscaling.policies.predictive import Predictive
from onestack.autoscaling.policies.schedule import Schedule, Schedules
from onestack.autoscaling.policies.step import Step, Steps
from onestack.autoscaling.policies.target import Target
from onestack.autoscaling.policy import Policy
from onestack.autoscaling.simulation.picture import Panel, draw
from onestack.autoscaling.simulation.simulate import CPU, REQUESTS, OneStack, World, run
from onestack.autoscaling.simulation.trace import Trace

HERE = Path(__file__).parent
HOUR, DAY = 3600.0, 86400.0
WORLD = World(serves=70, target=50, min=2, max=20)
MONDAY = 1_767_571_200.0  # 2026-01-05, 00:00 UTC


def office(second: float) -> float:
    """Requests a second of a shop that opens at eight."""
    hour = second / HOUR % 24
    if not 8 <= hour < 20:
        return 90
    return 500 + 150 * math.sin((hour - 8) / 12 * math.pi)


def busy(second: float) -> float:
    """Slow waves, and a rush at noon."""
    hour = second / HOUR % 24
    return 250 + 180 * math.sin(hour / 24 * 2 * math.pi - 2) + (350 if 12 <= hour < 13 else 0)


def trace(load: Callable[[float], float], days: int) -> Trace:
    chance = random.Random(1)
    return Trace(
        "", 30, [load(n * 30.0) * chance.uniform(0.93, 1.07) for n in range(int(days * DAY / 30))], MONDAY
    )


def panel(title: str, load: Trace, *policies: Policy, first: float = 0, hours: float = 24) -> Panel:
    found = run(
        OneStack(Group("web", WORLD.min, WORLD.max, policies), load, serves=WORLD.serves), load, WORLD
    )
    return Panel(found, title, first, first + hours * HOUR)


def main() -> None:
    target, predictive = Target(REQUESTS, 50), Predictive(REQUESTS, 50)
    steps = Steps(CPU, [Step(70, 1), Step(90, 4)], [Step(35, -1)], per_member=True)
    shop = Schedules([Schedule("45 7 * * *", 13), Schedule("0 20 * * *", 2)])
    one, week = trace(busy, 1), trace(office, 4)
    morning = {"first": 3 * DAY + 7 * HOUR, "hours": 2}
    pictures = {
        "target": ("Target", "50 requests a second for each member", [panel("A day", one, target)]),
        "step": (
            "Step",
            "One more above 70 % of CPU, four more above 90 %, one fewer below 35 %",
            [panel("A day", one, steps)],
        ),
        "schedule": (
            "Schedule",
            "13 from 7:45, 2 from 20:00; the target beside it does the rest",
            [panel("A day", week, shop, target, first=3 * DAY)],
        ),
        "predictive": (
            "Predictive",
            "The morning of the fourth day: the load of the mornings before is known",
            [
                panel("Target alone", week, target, **morning),
                panel("Target and predictive", week, target, predictive, **morning),
            ],
        ),
    }
    for name, (title, subtitle, panels) in pictures.items():
        (HERE / f"autoscaling-{name}.svg").write_text(draw(panels, title, subtitle))


if __name__ == "__main__":
    main()
