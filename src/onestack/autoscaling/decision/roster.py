"""Plans the actions that bring a group's members to the desired number and template.

Pure and level-triggered: it depends on the current state, not on past events, so the autoscaler may be killed at any
moment.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from onestack.autoscaling.decision.members import Member, select_for_removal
from onestack.spec import ScalingGroup

Phase = Literal["starting", "warming", "serving", "warm", "leaving", "failed"]
AT_ONCE = 10
"""How many members are created at a time. Nova can create more, but a mistake then has less effect."""
BUILD_SECONDS = 600.0
"""A server that is still in BUILD after this time has failed."""
LEAST_DRAIN = 2.0
"""The minimum time for which a member stays in its pool with weight 0, for connections that are just being opened to
it."""


@dataclass(frozen=True)
class MemberState:
    """What is known of one member now.

    `age`: seconds since its creation. `healthy`: whether it answers health checks, None: unknown; `unhealthy_for`:
    seconds since it last did, or since it should have. `serving_for`: seconds since it began to serve, None: not yet.
    `leaving_for`: seconds since its removal began, None: it stays. `connections`: open connections at its load
    balancer, None: unknown. `digest`: of the template that it was created from.
    """

    id: str
    name: str
    status: str
    digest: str
    age: float = 0.0
    zone: str = ""
    host: str = ""
    warm: bool = False
    address: str = ""
    pool_member: str | None = None
    weight: int = 0
    healthy: bool | None = None
    unhealthy_for: float = 0.0
    serving_for: float | None = None
    leaving_for: float | None = None
    connections: int | None = None
    protected: bool = False
    why: str = ""


@dataclass(frozen=True)
class Action:
    """An action of the autoscaler.

    `create`: create `number` members in `zone`, for the warm pool or not. All others concern the member `id`:
    `promote`: from the warm pool to the group; `stop`: its server, in the warm pool; `join` and `part`: add it to
    its load balancer's pool, or remove it from the pool; `drain`: set its weight to 0; `delete`: its server.
    """

    verb: Literal["create", "promote", "stop", "join", "drain", "part", "delete"]
    id: str = ""
    name: str = ""
    why: str = ""
    number: int = 0
    zone: str = ""
    warm: bool = False
    failed: bool = False


@dataclass(frozen=True)
class Roster:
    """The members with their phases, and the actions to take. `blocked`: what may not be created yet."""

    phases: tuple[tuple[MemberState, Phase], ...]
    actions: tuple[Action, ...]
    blocked: str = ""

    def of(self, *phases: Phase) -> list[MemberState]:
        return [state for state, phase in self.phases if phase in phases]

    @property
    def busy(self) -> bool:
        """Whether something is in progress, so that the next cycle should be soon."""
        return bool(self.actions) or any(
            phase in ("starting", "leaving", "failed") for _, phase in self.phases
        )


def phase(state: MemberState, group: ScalingGroup) -> Phase:
    """A member's phase."""
    if state.leaving_for is not None:
        return "leaving"
    if state.status in ("ERROR", "DELETED", "SOFT_DELETED"):
        return "failed"
    if state.warm:
        return "failed" if _overdue(state, group) else "warm"
    if state.status in ("BUILD", "REBUILD", "REBOOT", "HARD_REBOOT", "RESIZE", "MIGRATING"):
        return "starting" if state.unhealthy_for <= BUILD_SECONDS else "failed"
    if _overdue(state, group):
        return "failed"
    if state.serving_for is None:
        return "starting"
    return "serving" if state.serving_for >= group.warm_up else "warming"


def _overdue(state: MemberState, group: ScalingGroup) -> bool:
    """Whether it has been unhealthy longer than the grace period, according to Nova or to its load balancer."""
    if state.unhealthy_for <= group.health.grace:
        return False
    if state.status != "ACTIVE":
        return not (state.warm and state.status == "SHUTOFF")
    if state.warm and group.warm_pool.state == "stopped" and state.healthy is None:
        return False
    by_balancer = group.load_balancer is not None
    return (
        by_balancer
        and state.healthy is False
        and ("load_balancer" in group.health.sources or state.serving_for is None)
    )


def has_served(state: MemberState, least: float) -> bool:
    """Whether a member was healthy and serving for at least `least` seconds.

    One that answered only for a moment, for example until its user data broke it, counts as a failed start: a
    replacement would fail in the same way.
    """
    return state.serving_for is not None and state.serving_for - state.unhealthy_for >= least


def plan(
    group: ScalingGroup,
    states: Sequence[MemberState],
    desired: int,
    digest: str,
    *,
    may_start: bool = True,
    at_once: int = AT_ONCE,
) -> Roster:
    """The actions that bring the group to `desired` members of the template with this `digest`.

    `may_start`: false during the backoff after failed starts. `at_once`: how many members may be starting at a time.
    """
    phases = tuple((state, phase(state, group)) for state in states)
    roster = Roster(phases, ())
    actions: list[Action] = []
    failed = roster.of("failed")
    active = roster.of("starting", "warming", "serving")
    if not group.health.replace:
        # Failed members are not replaced, except those that could not be created.
        active += [state for state in failed if state.status != "ERROR"]
        failed = [state for state in failed if state.status == "ERROR"]
    for state in roster.of("leaving"):
        actions += _continue_removal(state, group)
    actions += [_remove_failed(state) for state in _limit_replacements(failed, desired)]
    for state in roster.of("starting"):
        if state.status == "ACTIVE" and state.healthy and group.load_balancer and state.pool_member is None:
            actions.append(Action("join", state.id, state.name))
    warm = roster.of("warm")
    outdated = [state for state in active if state.digest != digest]
    new = [state for state in active if state.digest == digest]
    serving = [state for state in active if state.serving_for is not None]
    target = desired
    if outdated:
        batch = max(1, int(group.update.batch * desired))
        not_serving_yet = sum(state.serving_for is None for state in new)
        target = (
            min(desired + batch - not_serving_yet, len(active) + len(outdated))
            if not_serving_yet < batch
            else len(active)
        )
        target = max(target, desired)
        spare = len(serving) - math.ceil(group.update.min_healthy * desired)
        leaving = len(roster.of("leaving"))
        removable = max(0, min(len(outdated), spare, batch - leaving, len(active) - desired))
        never_served = [state for state in outdated if state.serving_for is None][: len(active) - desired]
        actions += [Action("drain", state.id, state.name, "outdated") for state in never_served]
        has_been_serving = [state for state in outdated if state.serving_for is not None]
        actions += [
            Action("drain", state.id, state.name, "outdated")
            for state in _oldest(has_been_serving)[: max(removable - len(never_served), 0)]
        ]
    elif len(active) > desired:
        actions += [
            Action("drain", member.id, _name_of(active, member.id), "scale in")
            for member in select_for_removal(map(_member, active), len(active) - desired)
        ]
    missing = target - len(active)
    blocked = ""
    if missing > 0:
        ready_warm = [
            state for state in warm if state.digest == digest and state.status in ("ACTIVE", "SHUTOFF")
        ]
        promoted = sorted(
            ready_warm, key=lambda state: (state.status != "ACTIVE", state.healthy is not True, state.age)
        )[:missing]
        actions += [Action("promote", state.id, state.name, "from the warm pool") for state in promoted]
        warm = [state for state in warm if state not in promoted]
        missing -= len(promoted)
        starts_left = min(at_once, AT_ONCE) - len(roster.of("starting")) - len(promoted)
        if missing > 0 and not may_start:
            blocked = f"{missing} more are wanted"
        elif (number := min(missing, starts_left)) > 0:
            actions += _creations(group, active, number, warm=False)
    # The warm pool is filled only when no member is missing or starting, since those come first on the hosts.
    may_fill = may_start and missing <= 0 and not roster.of("starting")
    actions += _keep_warm(group, warm, digest, may_start=may_fill)
    # A member that is being removed does not join its pool.
    being_removed = {action.id for action in actions if action.verb != "join"}
    kept = [action for action in actions if action.verb != "join" or action.id not in being_removed]
    return replace(roster, actions=tuple(kept), blocked=blocked)


def _oldest(states: Iterable[MemberState]) -> list[MemberState]:
    return sorted(states, key=lambda state: -state.age)


def _continue_removal(state: MemberState, group: ScalingGroup) -> list[Action]:
    """The next action for a member that is being removed: drain it, then remove it from the pool, then delete it."""
    assert state.leaving_for is not None
    if state.pool_member is None:
        return [Action("delete", state.id, state.name, state.why)]
    if state.weight:
        return [Action("drain", state.id, state.name, state.why)]
    done = state.connections == 0 and state.leaving_for >= LEAST_DRAIN
    if done or state.leaving_for >= group.scale_in.drain:
        return [Action("part", state.id, state.name, state.why)]
    return []


def _remove_failed(state: MemberState) -> Action:
    why = state.why or f"{state.status.lower()}, unhealthy for {state.unhealthy_for:.0f} s"
    verb: Literal["part", "delete"] = "part" if state.pool_member else "delete"
    return Action(verb, state.id, state.name, why, failed=True)


def _limit_replacements(failed: Sequence[MemberState], desired: int) -> list[MemberState]:
    """The failed members to replace now. Of those that have served, at most a quarter of the group at a time: if all
    fail together, the cause is probably elsewhere."""
    served = [state for state in failed if state.serving_for is not None]
    others = [state for state in failed if state.serving_for is None]
    return [*others, *served[: max(1, desired // 4)]]


def _creations(
    group: ScalingGroup, active: Sequence[MemberState], number: int, *, warm: bool
) -> list[Action]:
    """Create `number` members, each in the zone with the fewest."""
    if not group.spread.zones:
        return [Action("create", number=number, warm=warm)]
    in_zone = Counter(dict.fromkeys(group.spread.zones, 0))
    in_zone.update(state.zone for state in active if state.zone in in_zone)
    new: Counter[str] = Counter()
    for _ in range(number):
        zone = min(in_zone, key=lambda each: (in_zone[each], group.spread.zones.index(each)))
        in_zone[zone] += 1
        new[zone] += 1
    return [Action("create", number=count, zone=zone, warm=warm) for zone, count in new.items()]


def _keep_warm(
    group: ScalingGroup, warm: Sequence[MemberState], digest: str, *, may_start: bool
) -> list[Action]:
    """The actions that keep the warm pool at its size, with members of this template. If the pool's state is
    `stopped`, its servers are stopped after they have booted."""
    current = [state for state in warm if state.digest == digest]
    actions = [
        Action("delete", state.id, state.name, "outdated, in the warm pool")
        for state in warm
        if state.digest != digest
    ]
    surplus = len(current) - group.warm_pool.size
    actions += [
        Action("delete", state.id, state.name, "more than the warm pool holds")
        for state in current[: max(surplus, 0)]
    ]
    if group.warm_pool.state == "stopped":
        kept = current[max(surplus, 0) :]
        actions += [
            Action("stop", state.id, state.name)
            for state in kept
            if state.status == "ACTIVE" and state.healthy is not False
        ]
    if surplus < 0 and may_start:
        actions += _creations(group, current, min(-surplus, AT_ONCE), warm=True)
    return actions


def _member(state: MemberState) -> Member:
    return Member(
        state.id,
        -state.age,
        state.zone,
        state.host,
        healthy=state.healthy is not False,
        serving=state.serving_for is not None,
        protected=state.protected,
    )


def _name_of(states: Iterable[MemberState], ident: str) -> str:
    return next(state.name for state in states if state.id == ident)
