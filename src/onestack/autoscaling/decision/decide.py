"""The decision on one group: out if any policy wants out, in only if all agree, and not too fast.

Pure: it reads the group, the moment and the memory, and changes none of them. `step` is what the autoscaler
calls: notice, decide, remember.
"""

from __future__ import annotations

from collections.abc import Sequence

from onestack.autoscaling.decision.group import Decision, Group, Memory
from onestack.autoscaling.observation import GroupObservation
from onestack.autoscaling.policy import Recommendation, scaled


def step(group: Group, memory: Memory, observation: GroupObservation) -> Decision | None:
    """The decision that is due now, remembered; None if none is due yet."""
    if not memory.due(observation.monotonic):
        return None
    memory.notice(group, observation)
    made = decide(group, memory, observation)
    memory.remember(group, made)
    return made


def decide(group: Group, memory: Memory, observation: GroupObservation) -> Decision:
    """What size the group should have now."""
    recommendations = tuple(
        policy.recommend(observation, memory.histories.get(policy.metric)) for policy in group.policies
    )
    wanted = combine(recommendations, observation.size)
    recommended = min(max(wanted, group.min), group.max)
    limits: list[str] = []
    if wanted > group.max:
        limits.append(f"max is {group.max}")
    elif wanted < group.min:
        limits.append(f"min is {group.min}")
    to = recommended
    if to > observation.size:
        to = _not_too_many(group, memory, observation, to, limits)
    elif to < observation.size:
        to = _not_too_few(group, memory, observation, to, limits)
    return Decision(
        group.name, observation, recommendations, recommended, to, tuple(limits), not group.suspended
    )


def combine(recommendations: Sequence[Recommendation], size: int) -> int:
    """The size on which the policies agree: the highest of all; smaller than now only if somebody wants that
    and everybody knows enough to agree."""
    highest = max((each.size for each in recommendations), default=size)
    if highest >= size:
        return highest
    if any(each.meaning == "unknown" for each in recommendations) or all(
        each.meaning != "wants" for each in recommendations
    ):
        return size
    return highest


def _not_too_many(
    group: Group, memory: Memory, observation: GroupObservation, to: int, limits: list[str]
) -> int:
    if group.out_rate is None or observation.size < group.min:
        return to
    left = group.out_rate.members - memory.changed(observation.monotonic, group.out_rate, out=True)
    if to - observation.size > left:
        limits.append(f"out by at most {group.out_rate.members} per {group.out_rate.seconds:g} s")
        return observation.size + max(left, 0)
    return to


def _not_too_few(
    group: Group, memory: Memory, observation: GroupObservation, to: int, limits: list[str]
) -> int:
    if observation.size > group.max:
        to = min(to, group.max)  # the user said so: there is nothing to wait for but the rate
    else:
        to = _stabilised(group, memory, observation, to, limits)
        to = _without_coming_back(group, memory, observation, to, limits)
    if group.in_rate is None or to >= observation.size:
        return to
    left = group.in_rate.members - memory.changed(observation.monotonic, group.in_rate, out=False)
    if observation.size - to > left:
        limits.append(f"in by at most {group.in_rate.members} per {group.in_rate.seconds:g} s")
        return observation.size - max(left, 0)
    return to


def _stabilised(
    group: Group, memory: Memory, observation: GroupObservation, to: int, limits: list[str]
) -> int:
    """No smaller than the highest recommendation of the window, nor before there is a whole window."""
    watched = observation.monotonic - (memory.since if memory.since is not None else observation.monotonic)
    if watched < group.stabilize:
        limits.append(f"watched for {watched:.0f} s of {group.stabilize:g} s")
        return observation.size
    before = memory.highest(observation.monotonic, group.stabilize)
    if before is not None and before[1] > to:
        limits.append(f"{before[1]} was recommended {observation.monotonic - before[0]:.0f} s ago")
        return min(before[1], observation.size)
    return to


def _without_coming_back(
    group: Group, memory: Memory, observation: GroupObservation, to: int, limits: list[str]
) -> int:
    """The smallest size from `to` on at which today's load would not call for scaling out again."""
    for size in range(to, observation.size):
        after = scaled(observation, size)
        recommendations = [
            policy.recommend(after, memory.histories.get(policy.metric)) for policy in group.policies
        ]
        if all(each.size <= size for each in recommendations):
            return size
        if size == to:
            again = next(each for each in recommendations if each.size > size)
            limits.append(f"with {size}, {again.policy} would call for {again.size} again")
    return observation.size
