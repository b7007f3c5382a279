"""What is done so that members become what is wanted: from what is there alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onestack.autoscaling.decision.roster import Action, MemberState, Roster, has_served, phase, plan
from onestack.spec import ScalingGroup

NEW, OLD = "new", "old"


def group(**more: Any) -> ScalingGroup:
    wanted = {
        "name": "web",
        "min": 1,
        "max": 20,
        "server": {"image": "tiny", "flavor": "m1.nano", "network": "front"},
        "load_balancer": {"name": "shop", "pool": "web", "port": 80},
        **more,
    }
    return ScalingGroup.model_validate(wanted)


def serving(ident: str, **more: Any) -> MemberState:
    state = MemberState(
        ident, f"web-{ident}", "ACTIVE", NEW, age=600, address="10.0.0.9", pool_member=f"m{ident}",
        weight=1, healthy=True, serving_for=500, connections=0,
    )  # fmt: skip
    return replace(state, **more)


def starting(ident: str, **more: Any) -> MemberState:
    return replace(
        serving(ident, pool_member=None, weight=0, serving_for=None, connections=None, age=5), **more
    )


def verbs(roster: Roster) -> list[tuple[str, str]]:
    return [(action.verb, action.id) for action in roster.actions]


def test_a_group_that_is_as_wanted_is_left_alone() -> None:
    roster = plan(group(), [serving("a"), serving("b")], 2, NEW)
    assert roster.actions == ()
    assert not roster.busy


def test_what_is_missing_is_made_at_once() -> None:
    roster = plan(group(), [serving("a")], 4, NEW)
    assert roster.actions == (Action("create", number=3),)


def test_members_on_their_way_are_not_made_again() -> None:
    building = starting("b", status="BUILD", healthy=None)
    assert plan(group(), [serving("a"), building, starting("c", healthy=False)], 3, NEW).actions == ()


def test_no_more_start_at_a_time_than_the_hosts_can_carry() -> None:
    assert plan(group(), [serving("a")], 6, NEW, at_once=2).actions == (Action("create", number=2),)
    one = starting("b", status="BUILD", healthy=None)
    assert plan(group(), [serving("a"), one], 6, NEW, at_once=2).actions == (Action("create", number=1),)
    two = starting("c", healthy=False)
    assert plan(group(), [serving("a"), one, two], 6, NEW, at_once=2).actions == ()


def test_nothing_is_started_while_failures_are_waited_out() -> None:
    roster = plan(group(), [serving("a")], 3, NEW, may_start=False)
    assert roster.actions == ()
    assert roster.blocked == "2 more are wanted"


def test_a_member_joins_the_pool_only_when_it_answers() -> None:
    assert verbs(plan(group(), [starting("a", healthy=False)], 1, NEW)) == []
    assert verbs(plan(group(), [starting("a", healthy=None)], 1, NEW)) == []
    assert verbs(plan(group(), [starting("a")], 1, NEW)) == [("join", "a")]


def test_a_member_that_goes_is_drained_then_parted_then_deleted() -> None:
    states = [serving("a", age=900), serving("b")]
    assert verbs(plan(group(), states, 1, NEW)) == [("drain", "a")]
    # Marked as leaving, and interrupted before its weight was 0: that is done again.
    told = serving("a", leaving_for=0.5)
    assert verbs(plan(group(), [told, serving("b")], 1, NEW)) == [("drain", "a")]
    open_ = replace(told, weight=0, connections=3, leaving_for=10.0)
    assert verbs(plan(group(), [open_, serving("b")], 1, NEW)) == []
    assert verbs(plan(group(), [replace(open_, connections=0), serving("b")], 1, NEW)) == [("part", "a")]
    out = replace(open_, pool_member=None)
    assert verbs(plan(group(), [out, serving("b")], 1, NEW)) == [("delete", "a")]


def test_connections_are_waited_for_no_longer_than_said() -> None:
    drained = serving("a", leaving_for=31.0, weight=0, connections=3)
    assert verbs(plan(group(), [drained, serving("b")], 1, NEW)) == [("part", "a")]
    unknown = replace(drained, connections=None, leaving_for=29.0)
    assert verbs(plan(group(), [unknown, serving("b")], 1, NEW)) == []


@pytest.mark.parametrize(
    ("state", "is_"),
    [
        (serving("a", status="ERROR"), "failed"),
        (serving("a", healthy=False, unhealthy_for=10), "serving"),
        (serving("a", healthy=False, unhealthy_for=31), "failed"),
        (serving("a", status="SHUTOFF", healthy=None, unhealthy_for=31), "failed"),
        (starting("a", healthy=False, unhealthy_for=31), "failed"),
        (starting("a", status="BUILD", healthy=None, unhealthy_for=300), "starting"),
        (starting("a", status="BUILD", healthy=None, unhealthy_for=601), "failed"),
        (serving("a", serving_for=3), "warming"),
        (starting("a", warm=True, status="SHUTOFF", healthy=None, unhealthy_for=5000), "warm"),
    ],
)
def test_phases(state: MemberState, is_: str) -> None:
    wanted = group(health={"from": ["compute", "load_balancer"]})
    assert phase(state, wanted) == is_


def test_a_balancer_is_not_asked_about_members_that_serve_unless_said() -> None:
    assert phase(serving("a", healthy=False, unhealthy_for=500), group()) == "serving"


def test_a_failed_member_is_taken_out_and_another_made() -> None:
    roster = plan(group(), [serving("a", status="ERROR"), serving("b")], 2, NEW)
    assert verbs(roster) == [("part", "a"), ("create", "")]
    assert roster.actions[0].failed


def test_a_failed_member_stays_where_nothing_is_replaced() -> None:
    wanted = group(health={"from": ["compute", "load_balancer"], "replace": False})
    sick = serving("a", healthy=False, unhealthy_for=500)
    assert plan(wanted, [sick, serving("b")], 2, NEW).actions == ()


def test_when_all_fail_at_once_only_some_are_replaced() -> None:
    wanted = group(health={"from": ["compute", "load_balancer"]})
    states = [serving(str(n), healthy=False, unhealthy_for=60) for n in range(8)]
    parted = [action for action in plan(wanted, states, 8, NEW).actions if action.verb == "part"]
    assert len(parted) == 2


def test_the_warm_pool_goes_first() -> None:
    waiting = starting("w", warm=True, status="SHUTOFF", healthy=None)
    wanted = group(warm_pool={"size": 1})
    roster = plan(wanted, [serving("a"), waiting], 3, NEW)
    assert roster.actions == (
        Action("promote", "w", "web-w", "from the warm pool"),
        Action("create", number=1),
    )
    # It is filled again when those that are needed are there.
    assert plan(wanted, [serving("a"), starting("b", healthy=False)], 2, NEW).actions == ()
    assert plan(wanted, [serving("a"), serving("b")], 2, NEW).actions == (
        Action("create", number=1, warm=True),
    )


def test_waiting_members_are_stopped_once_they_have_booted() -> None:
    wanted = group(warm_pool={"size": 1})
    booting = starting("w", warm=True, healthy=False)
    assert plan(wanted, [serving("a"), booting], 1, NEW).actions == ()
    assert verbs(plan(wanted, [serving("a"), replace(booting, healthy=True)], 1, NEW)) == [("stop", "w")]
    running = group(warm_pool={"size": 1, "state": "running"})
    assert plan(running, [serving("a"), replace(booting, healthy=True)], 1, NEW).actions == ()


def test_zones_are_filled_evenly() -> None:
    wanted = group(spread={"zones": ["a", "b"]})
    roster = plan(wanted, [serving("1", zone="a"), serving("2", zone="a")], 5, NEW)
    assert {(action.zone, action.number) for action in roster.actions} == {("a", 1), ("b", 2)}


def rolled(desired: int, wanted: ScalingGroup) -> tuple[int, int]:
    """A changed template through a group whose members do at once what they are told: rounds, least serving."""
    states = [serving(str(n), digest=OLD, age=600 + n) for n in range(desired)]
    least, number = desired, 0
    for rounds in range(200):
        roster = plan(wanted, states, desired, NEW)
        least = min(least, len(roster.of("serving", "warming")))
        if not roster.actions:
            assert [state.digest for state in states] == [NEW] * desired
            return rounds, least
        for action in roster.actions:
            if action.verb == "create":
                number += action.number
                states += [starting(f"n{number - n}") for n in range(action.number)]
            states = [state for state in (_done(state, action) for state in states) if state is not None]
    raise AssertionError(f"it never ends: {states}")


def _done(state: MemberState, action: Action) -> MemberState | None:
    if state.id != action.id:
        return state
    match action.verb:
        case "join":
            return serving(state.id, digest=state.digest)
        case "drain":
            return replace(state, leaving_for=30.0, weight=0, connections=0)
        case "part":
            return replace(state, pool_member=None)
    return None


@pytest.mark.parametrize("desired", [1, 2, 3, 5, 10, 20])
@pytest.mark.parametrize(("batch", "healthy"), [("25%", "90%"), ("100%", "50%"), ("10%", "100%")])
def test_an_update_ends_and_keeps_enough(desired: int, batch: str, healthy: str) -> None:
    wanted = group(update={"batch": batch, "min_healthy": healthy}, warm_up="0s")
    _, least = rolled(desired, wanted)
    assert least >= desired * float(healthy.rstrip("%")) / 100


def test_an_update_makes_no_more_than_a_batch_beyond_the_size() -> None:
    states = [serving(str(n), digest=OLD) for n in range(4)]
    assert plan(group(), states, 4, NEW).actions == (Action("create", number=1),)
    assert plan(group(), [*states, starting("n", healthy=False)], 4, NEW).actions == ()


facts_ = st.builds(
    MemberState,
    st.uuids().map(str),
    st.just("web"),
    st.sampled_from(["ACTIVE", "BUILD", "ERROR", "SHUTOFF"]),
    st.sampled_from([NEW, OLD]),
    age=st.floats(0, 1e5),
    warm=st.booleans(),
    pool_member=st.none() | st.just("m"),
    weight=st.integers(0, 1),
    healthy=st.none() | st.booleans(),
    unhealthy_for=st.floats(0, 1000),
    serving_for=st.none() | st.floats(0, 1000),
    leaving_for=st.none() | st.floats(0, 1000),
    connections=st.none() | st.integers(0, 3),
    protected=st.booleans(),
)


@given(st.lists(facts_, max_size=12, unique_by=lambda state: state.id), st.integers(1, 8))
def test_whatever_is_there_no_member_is_told_two_things_and_protected_ones_stay(
    states: list[MemberState], desired: int
) -> None:
    roster = plan(group(warm_pool={"size": 2}), states, desired, NEW)
    told = Counter(action.id for action in roster.actions if action.id)
    assert not told or max(told.values()) == 1
    by_id = {state.id: state for state in states}
    for action in roster.actions:
        if action.verb == "drain" and action.why == "scale in":
            assert not by_id[action.id].protected
        if action.verb == "join":
            assert by_id[action.id].healthy
    made = sum(action.number for action in roster.actions if action.verb == "create" and not action.warm)
    assert len(roster.of("starting", "warming", "serving")) + made <= max(
        desired + max(1, desired // 4), len(roster.of("starting", "warming", "serving"))
    )


@pytest.mark.parametrize(
    ("serving_for", "unhealthy_for", "served"),
    [(None, 100.0, False), (30.0, 25.0, False), (100.0, 10.0, True), (100.0, 0.0, True)],
    ids=["never", "for a moment", "long enough", "still"],
)
def test_one_that_served_for_a_moment_has_not_served(
    serving_for: float | None, unhealthy_for: float, served: bool
) -> None:
    state = serving("a", serving_for=serving_for, unhealthy_for=unhealthy_for)
    assert has_served(state, 60.0) is served
