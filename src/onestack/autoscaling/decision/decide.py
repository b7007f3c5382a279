"""The decision on one group's size: out if any policy recommends it, in only if all agree, both within rate limits.

`decide` is pure: it changes neither the group nor the memory. The autoscaler calls `step`, which also updates the
memory.
"""

from __future__ import annotations

from collections.abc import Sequence

from onestack.autoscaling.decision.group import Decision, Group, Memory
from onestack.autoscaling.observation import GroupObservation
from onestack.autoscaling.policy import Recommendation, scaled


def step(group: Group, memory: Memory, observation: GroupObservation) -> Decision | None:
    """Decide, and update the memory; None if the next decision is not due yet."""
    if not memory.due(observation.monotonic):
        return None
    memory.add_observation(group, observation)
    decision = decide(group, memory, observation)
    memory.add_decision(group, decision)
    return decision


def decide(group: Group, memory: Memory, observation: GroupObservation) -> Decision:
    """The decision on the group's size."""
    recommendations = tuple(
        policy.recommend(observation, memory.histories.get(policy.metric)) for policy in group.policies
    )
    combined = combine(recommendations, observation.size)
    recommended = min(max(combined, group.min), group.max)
    limits: list[str] = []
    if combined > group.max:
        limits.append(f"max is {group.max}")
    elif combined < group.min:
        limits.append(f"min is {group.min}")
    to = recommended
    if to > observation.size:
        to = _limited_out(group, memory, observation, to, limits)
    elif to < observation.size:
        to = _limited_in(group, memory, observation, to, limits)
    return Decision(
        group.name, observation, recommendations, recommended, to, tuple(limits), not group.suspended
    )


def combine(recommendations: Sequence[Recommendation], size: int) -> int:
    """The highest recommended size. It is smaller than `size` only if no recommendation is unknown, and at least one
    policy wants its size, instead of giving a lower bound."""
    highest = max((each.size for each in recommendations), default=size)
    if highest >= size:
        return highest
    if any(each.meaning == "unknown" for each in recommendations) or all(
        each.meaning != "wants" for each in recommendations
    ):
        return size
    return highest


def _limited_out(
    group: Group, memory: Memory, observation: GroupObservation, to: int, limits: list[str]
) -> int:
    """The size after scaling out, limited by the rate."""
    if group.out_rate is None or observation.size < group.min:
        return to
    allowed = group.out_rate.members - memory.changed(observation.monotonic, group.out_rate, out=True)
    if to - observation.size > allowed:
        limits.append(f"out by at most {group.out_rate.members} per {group.out_rate.seconds:g} s")
        return observation.size + max(allowed, 0)
    return to


def _limited_in(
    group: Group, memory: Memory, observation: GroupObservation, to: int, limits: list[str]
) -> int:
    """The size after scaling in, limited by the stabilisation window, by the load, and by the rate."""
    if observation.size > group.max:
        to = min(to, group.max)  # the user lowered `max`: only the rate limits this
    else:
        to = _stabilised(group, memory, observation, to, limits)
        to = _without_flapping(group, memory, observation, to, limits)
    if group.in_rate is None or to >= observation.size:
        return to
    allowed = group.in_rate.members - memory.changed(observation.monotonic, group.in_rate, out=False)
    if observation.size - to > allowed:
        limits.append(f"in by at most {group.in_rate.members} per {group.in_rate.seconds:g} s")
        return observation.size - max(allowed, 0)
    return to


def _stabilised(
    group: Group, memory: Memory, observation: GroupObservation, to: int, limits: list[str]
) -> int:
    """The highest recommendation of the window, at least `to`; the present size until a first window is complete."""
    observed_for = observation.monotonic - (
        memory.first_observed if memory.first_observed is not None else observation.monotonic
    )
    if observed_for < group.stabilize:
        limits.append(f"watched for {observed_for:.0f} s of {group.stabilize:g} s")
        return observation.size
    highest = memory.highest(observation.monotonic, group.stabilize)
    if highest is not None and highest[1] > to:
        limits.append(f"{highest[1]} was recommended {observation.monotonic - highest[0]:.0f} s ago")
        return min(highest[1], observation.size)
    return to


def _without_flapping(
    group: Group, memory: Memory, observation: GroupObservation, to: int, limits: list[str]
) -> int:
    """The smallest size, `to` or more, at which the present load would not make the group scale out again."""
    for size in range(to, observation.size):
        at_size = scaled(observation, size)
        recommendations = [
            policy.recommend(at_size, memory.histories.get(policy.metric)) for policy in group.policies
        ]
        if all(each.size <= size for each in recommendations):
            return size
        if size == to:
            objection = next(each for each in recommendations if each.size > size)
            limits.append(f"with {size}, {objection.policy} would call for {objection.size} again")
    return observation.size
