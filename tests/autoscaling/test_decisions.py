"""How recommendations become a size: combination, stabilisation, limits, and when nothing may go."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onestack.autoscaling.decision import Decision, Group, Memory, Rate, step
from onestack.autoscaling.observation import GroupObservation, Signal
from onestack.autoscaling.policies.schedule import Schedule, Schedules
from onestack.autoscaling.policies.step import Step, Steps
from onestack.autoscaling.policies.target import Target
from onestack.autoscaling.policy import Recommendation

TARGET = Target("load", 50)
GROUP = Group("web", min=1, max=20, policies=[TARGET], stabilize=300)


def at(
    seconds: float,
    serving: int,
    load: float | None = None,
    *,
    warming: int = 0,
    wall: float | None = None,
    **more: float,
) -> GroupObservation:
    signals = {name: Signal(value) for name, value in {"load": load, **more}.items() if value is not None}
    return GroupObservation(seconds, 1e9 + seconds if wall is None else wall, serving, warming, signals)


def decided(group: Group, memory: Memory, observation: GroupObservation) -> Decision:
    made = step(group, memory, observation)
    assert made is not None
    return made


def watched(group: Group, size: int, load: float, seconds: float = 300) -> Memory:
    """A group that has stood at a size under a load for so long."""
    memory = Memory()
    for tick in range(int(seconds // 5)):
        step(group, memory, at(tick * 5, size, load))
    return memory


def test_out_at_once() -> None:
    made = decided(GROUP, Memory(), at(0, 2, 400))
    assert (made.action, made.to, made.limits) == ("out", 8, ())


def test_one_decision_in_five_seconds() -> None:
    memory = Memory()
    decided(GROUP, memory, at(0, 2, 100))
    assert step(GROUP, memory, at(4.4, 2, 900)) is None
    assert decided(GROUP, memory, at(5, 2, 900)).to == 18


def test_in_only_after_the_whole_window_and_to_its_highest() -> None:
    memory = Memory()
    sizes = {}
    for tick in range(0, 700, 5):
        load = 300 if tick < 100 else 200 if tick < 200 else 100
        sizes[tick] = decided(GROUP, memory, at(tick, 10, load)).to
    assert all(sizes[tick] == 10 for tick in range(0, 300, 5)), "not a whole window yet"
    assert (sizes[300], sizes[400], sizes[495], sizes[500]) == (6, 4, 4, 2)


def test_a_new_autoscaler_waits_a_window_before_it_takes_members_away() -> None:
    made = decided(GROUP, Memory(), at(0, 10, 100))
    assert (made.action, made.limits) == ("hold", ("watched for 0 s of 300 s",))


def test_max_and_min_hold_and_are_said() -> None:
    assert decided(GROUP, Memory(), at(0, 2, 9000)).limits == ("max is 20",)
    low = decided(replace(GROUP, min=4), Memory(), at(0, 2, 0))
    assert (low.to, low.limits) == (4, ("min is 4",))
    high = decided(replace(GROUP, max=3), Memory(), at(0, 8, 400))
    assert (high.to, high.limits) == (3, ("max is 3",))


def test_a_group_without_policies_is_kept_within_its_limits() -> None:
    group = Group("plain", min=2, max=4)
    assert [decided(group, Memory(), at(0, size)).to for size in (0, 2, 3, 4, 7)] == [2, 2, 3, 4, 4]


def test_missing_data_never_scales_in_and_does_not_stop_scaling_out() -> None:
    group = replace(GROUP, policies=[TARGET, Target("cpu", 60)])
    memory = watched(group, 10, 100)
    assert decided(group, memory, at(300, 10, 100)).action == "hold"
    assert decided(group, memory, at(305, 10, 900)).to == 18
    assert decided(group, Memory(), at(0, 10)).action == "hold"


def test_in_only_if_all_agree_out_if_any_wants() -> None:
    group = replace(GROUP, policies=[TARGET, Target("cpu", 60)], stabilize=0)
    assert decided(group, Memory(), at(0, 10, 100, cpu=600)).action == "hold"
    assert decided(group, Memory(), at(0, 10, 100, cpu=300)).to == 5
    assert decided(group, Memory(), at(0, 10, 100, cpu=1200)).to == 20


def test_what_only_sets_a_floor_never_scales_in() -> None:
    group = replace(GROUP, policies=[Steps("load", above=[Step(1000, 2)])], stabilize=0)
    assert decided(group, Memory(), at(0, 10, 0)).action == "hold"
    both = replace(group, policies=[*group.policies, Schedules([Schedule("* * * * *", 3)])])
    assert decided(both, Memory(), at(0, 10, 0)).to == 3


def test_a_scale_in_that_would_call_for_members_again_is_not_done() -> None:
    """A queue that five can just keep below its bound: three would not."""

    class Queue:
        name, metric, forecasts, aim = "queue", "load", False, None

        def recommend(self, observation: GroupObservation, history: object = None) -> Recommendation:
            enough = observation.signals["load"].serving / observation.size < 30
            return Recommendation(
                "queue", "wants" if enough else "at least", 2 if enough else observation.size + 3
            )

    group = replace(GROUP, policies=[Queue()], stabilize=0)
    made = decided(group, Memory(), at(0, 10, 100))
    assert made.to == 4
    assert made.limits == ("with 2, queue would call for 5 again",)


def test_limits_of_rate() -> None:
    group = replace(GROUP, stabilize=0, in_rate=Rate(1, 30), out_rate=Rate(4, 60))
    memory = Memory()
    first = decided(group, memory, at(0, 2, 500))
    assert (first.to, first.limits) == (6, ("out by at most 4 per 60 s",))
    assert decided(group, memory, at(5, 6, 500)).to == 6
    assert decided(group, memory, at(60, 6, 500)).to == 10
    assert decided(group, memory, at(100, 10, 100)).to == 9
    assert decided(group, memory, at(125, 9, 100)).to == 9
    assert decided(group, memory, at(130, 9, 100)).to == 8


def test_a_suspended_group_decides_and_does_nothing() -> None:
    group = replace(GROUP, suspended=True, out_rate=Rate(1, 60))
    memory = Memory()
    made = decided(group, memory, at(0, 2, 400))
    assert (made.to, made.done) == (3, False)
    assert not memory.changes, "what was not done counts against no limit"
    assert "suspended: nothing was done" in str(made)


def test_steps_of_the_wall_clock_change_no_window() -> None:
    memory = Memory()
    for tick in range(0, 300, 5):
        decided(GROUP, memory, at(tick, 10, 100, wall=(-1) ** tick * 1e9))
    assert decided(GROUP, memory, at(300, 10, 100, wall=0)).to == 2


def test_the_record_says_what_was_seen_recommended_and_limited() -> None:
    made = decided(GROUP, Memory(), at(0, 10, 100, warming=1))
    said = made.as_dict()
    assert said["signals"] == {"load": 100}
    assert said["recommendations"] == [
        {"policy": "target load", "meaning": "wants", "size": 2, "value": 10.0, "why": ""}
    ]
    assert (said["size"], said["recommended"], said["action"], said["to"]) == (11, 2, "hold", 11)
    assert str(made) == "stays at 11; target load at 10: wants 2; watched for 0 s of 300 s"


loads = st.one_of(st.none(), st.floats(0, 5000))


@given(st.lists(st.tuples(loads, st.integers(0, 5), st.floats(5, 60)), min_size=1, max_size=40))
def test_whatever_comes_the_size_stays_within_its_limits(
    moments: list[tuple[float | None, int, float]],
) -> None:
    group = Group("web", 2, 12, [TARGET], stabilize=60, in_rate=Rate(2, 30), out_rate=Rate(5, 30))
    memory, size, now = Memory(), 2, 0.0
    for load, warming, pause in moments:
        now += pause
        serving = max(size - warming, 0)
        made = decided(group, memory, at(now, serving, load, warming=size - serving))
        assert 2 <= made.to <= 12
        assert size - 2 <= made.to <= size + 5
        if load is None:
            assert made.to >= size
        size = made.to


@pytest.mark.parametrize("tolerance", [0.0, 0.1])
@given(serving=st.integers(1, 40), load=st.floats(0, 5000))
def test_a_target_is_stable_where_it_leads(tolerance: float, serving: int, load: float) -> None:
    """Once the recommended size serves, nothing more is called for."""
    policy = Target("load", 50, tolerance)
    first = policy.recommend(at(0, serving, load)).size
    if first:
        assert policy.recommend(at(0, first, load)).size == first


def test_a_size_asked_for_by_hand_holds_for_a_window() -> None:
    memory = Memory(first_observed=-1000.0)
    memory.add_recommendation(0.0, 4)
    wanted = Group("web", 1, 9, (Target("requests_per_second", 10.0),), stabilize=60.0)

    def then(now: float) -> int:
        made = step(wanted, memory, GroupObservation(now, now, 4, 0, {"requests_per_second": Signal(1.0)}))
        assert made is not None
        return made.to

    assert [then(now) for now in (5.0, 30.0, 59.0)] == [4, 4, 4]
    assert then(66.0) == 1
