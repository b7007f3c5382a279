"""Decides the size of a scaling group, and which of its members to create and remove. Pure."""

from onestack.autoscaling.decision.decide import decide, step
from onestack.autoscaling.decision.group import Decision, Group, Memory, Rate

__all__ = ["Decision", "Group", "Memory", "Rate", "decide", "step"]
