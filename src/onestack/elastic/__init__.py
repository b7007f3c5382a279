"""Scaling groups: what to decide, and why. Pure; signals come in as values, sizes go out as values."""

from onestack.elastic.decide import decide, step
from onestack.elastic.group import Decision, Group, Memory, Rate
from onestack.elastic.policies import Predictive, Recommendation, Schedule, Schedules, Step, Steps, Target
from onestack.elastic.seen import Seen, Signal

__all__ = [
    "Decision",
    "Group",
    "Memory",
    "Predictive",
    "Rate",
    "Recommendation",
    "Schedule",
    "Schedules",
    "Seen",
    "Signal",
    "Step",
    "Steps",
    "Target",
    "decide",
    "step",
]
