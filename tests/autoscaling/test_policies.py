"""What each policy recommends, on cases worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from onestack.autoscaling.forecast import BIN, History
from onestack.autoscaling.observation import GroupObservation, Signal
from onestack.autoscaling.policies.predictive import Predictive
from onestack.autoscaling.policies.schedule import Schedule, Schedules
from onestack.autoscaling.policies.step import Step, Steps
from onestack.autoscaling.policies.target import Target


def observed(
    serving: int, load: float | None = None, *, warming: int = 0, burnt: float = 0.0, at: str = ""
) -> GroupObservation:
    wall = datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() if at else 0.0
    signals = {} if load is None else {"load": Signal(load, burnt)}
    return GroupObservation(0.0, wall, serving, warming, signals)


@pytest.mark.parametrize(
    ("serving", "warming", "load", "size", "because"),
    [
        (4, 0, 400, 8, "twice the target per member: twice the members"),
        (4, 0, 201, 4, "within a tenth nothing is done"),
        (4, 0, 220, 4, "the tenth itself is within it"),
        (4, 0, 221, 5, "beyond it, rounded up"),
        (4, 0, 100, 2, "half the target: half the members"),
        (4, 0, 0, 0, "no load needs no member; the group's min is not the policy's"),
        (2, 3, 250, 5, "three that warm up are on their way: none more is ordered"),
        (2, 3, 400, 8, "but what they will not be enough for is"),
    ],
)
def test_target(serving: int, warming: int, load: float, size: int, because: str) -> None:
    found = Target("load", 50).recommend(observed(serving, load, warming=warming))
    assert (found.meaning, found.size) == ("wants", size), because
    assert found.value == pytest.approx(load / serving)


def test_what_starting_members_burn_counts_against_scaling_in_only() -> None:
    policy = Target("load", 50)
    assert policy.recommend(observed(4, 100, warming=2, burnt=120)).size == 5
    assert policy.recommend(observed(4, 100, warming=2)).size == 2
    assert policy.recommend(observed(2, 260, warming=1, burnt=500)).size == 6


@pytest.mark.parametrize("policy", [Target("load", 50), Steps("load", above=[Step(1, 1)])])
def test_missing_data_is_not_zero(policy: Target | Steps) -> None:
    found = policy.recommend(observed(3))
    assert (found.meaning, found.size) == ("unknown", 3)
    assert found.why == "no data for load"


def test_a_target_says_nothing_while_nobody_serves() -> None:
    assert Target("load", 50).recommend(observed(0, 0.0, warming=2)).meaning == "unknown"


STEPS = Steps("load", above=[Step(100, 2), Step(500, 5)], below=[Step(10, -1)])


@pytest.mark.parametrize(
    ("load", "warming", "meaning", "size"),
    [
        (100, 0, "at least", 3),
        (101, 0, "at least", 5),
        (501, 0, "at least", 8),
        (101, 2, "at least", 5),  # added already
        (501, 2, "at least", 8),  # the higher step adds what is missing
        (101, 6, "at least", 9),  # nothing on its way is called back
        (9, 0, "wants", 2),
        (10, 0, "at least", 3),
    ],
)
def test_steps(load: float, warming: int, meaning: str, size: int) -> None:
    found = STEPS.recommend(observed(3, load, warming=warming))
    assert (found.meaning, found.size) == (meaning, size)


def test_steps_of_what_each_member_has() -> None:
    policy = Steps("load", above=[Step(80, 2)], below=[Step(30, -1)], per_member=True)
    sizes = [policy.recommend(observed(4, load)).size for load in (4 * 81, 4 * 80, 4 * 30, 4 * 29)]
    assert sizes == [6, 4, 4, 3]
    assert policy.recommend(observed(0, 0.0, warming=1)).meaning == "unknown"


def test_steps_that_only_go_up_leave_going_down_to_others() -> None:
    found = Steps("load", above=[Step(100, 2)]).recommend(observed(3, 0))
    assert (found.meaning, found.size) == ("at least", 0)


OFFICE = Schedules(
    [Schedule("0 8 * * 1-5", 6, "Europe/Berlin"), Schedule("0 18 * * 1-5", 2, "Europe/Berlin")]
)


@pytest.mark.parametrize(
    ("at", "size"),
    [
        ("2026-07-06T05:59:59", 2),  # Monday, 7:59:59 in summer: since Friday evening
        ("2026-07-06T06:00:00", 6),
        ("2026-07-06T15:59:59", 6),
        ("2026-07-06T16:00:00", 2),
        ("2026-12-07T06:59:59", 2),  # in winter an hour later
        ("2026-12-07T07:00:00", 6),
        ("2026-07-11T12:00:00", 2),  # Saturday
    ],
)
def test_of_several_schedules_the_last_begun_holds(at: str, size: int) -> None:
    found = OFFICE.recommend(observed(1, at=at))
    assert (found.meaning, found.size) == ("wants", size)


def days(number: int, factor: float = 1.0) -> History:
    """A load of 100, and of 500 from eight to twelve; the last two hours times `factor`."""
    history = History()
    end = int(number * 86400 / 60)
    for minute in range(end):
        hour = minute / 60 % 24
        load = 500.0 if 8 <= hour < 12 else 100.0
        history.observe(minute * 60.0, load * (factor if minute > end - 120 else 1))
    return history


def test_a_rise_is_foreseen_before_it_comes() -> None:
    history = days(3)
    for minute in range(7 * 60 + 56):
        history.observe(3 * 86400 + minute * 60.0, 100.0)
    found = Predictive("load", 50).recommend(observed(2, 100), history)
    assert (found.meaning, found.size) == ("at least", 10)
    assert "error" in found.why


def test_the_level_of_the_last_hour_counts() -> None:
    made = days(3, factor=1.5).forecast(BIN)
    assert made is not None
    assert made.load == pytest.approx(150, rel=0.05)


def test_nothing_is_forecast_on_the_first_day_nor_from_noise() -> None:
    assert days(1).forecast(600) is None
    noise = History()
    for number in range(4 * 288):
        noise.observe(number * BIN, 1000.0 if (number * 7919) % 11 == 0 else 1.0)
    assert noise.forecast(600) is None
    assert noise.error > 0.5
    found = Predictive("load", 50).recommend(observed(2, 100), noise)
    assert (found.meaning, found.size) == ("at least", 0)


def test_the_forecast_says_how_wrong_it_has_been() -> None:
    steady = History()
    for number in range(4 * 288):
        steady.observe(number * BIN, 110.0 if number // 288 % 2 else 90.0)
    made = steady.forecast(600)
    assert made is not None
    assert 0 < made.error < 0.2


def test_a_stepping_clock_breaks_no_history() -> None:
    history = days(3)
    for wall in (3 * 86400.0, 2 * 86400.0, 9e9, 3 * 86400.0 + 60, 0.0):
        history.observe(wall, 100.0)
        assert history.forecast(600) is None or history.forecast(600).load > 0  # type: ignore[union-attr]
