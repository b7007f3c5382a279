"""What to decide for a scaling group, and why. Pure: signals come in as values, sizes go out as values."""

from onestack.autoscaling.decision.decide import decide, step
from onestack.autoscaling.decision.group import Decision, Group, Memory, Rate

__all__ = ["Decision", "Group", "Memory", "Rate", "decide", "step"]
