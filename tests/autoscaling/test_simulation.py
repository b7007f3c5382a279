"""Scores by SPEC RG's definitions, traces from files, and a fleet that needs time to start."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from onestack.autoscaling.decision import Group
from onestack.autoscaling.policies.predictive import Predictive
from onestack.autoscaling.policies.target import Target
from onestack.autoscaling.simulation.score import score
from onestack.autoscaling.simulation.simulate import Fleet, OneStack, World, demand, run
from onestack.autoscaling.simulation.trace import Load, Trace, read
from onestack.core.errors import BadInput


def test_scores_by_hand() -> None:
    """Ten minutes: two of them one of two lacks, four of them one too many on two, the rest is right."""
    wanted = [2, 2, 2, 2, 2, 2, 2, 2, 2, 2]
    given = [1, 1, 2, 2, 3, 3, 3, 3, 2, 2]
    found = score(wanted, given, 60)
    assert (found.theta_u, found.theta_o) == pytest.approx((10, 20))
    assert (found.tau_u, found.tau_o) == pytest.approx((20, 40))
    assert found.instability == pytest.approx(30)  # three changes of supply alone
    assert found.jitter == pytest.approx(18)  # three in ten minutes
    assert found.members == pytest.approx(2.2)


def test_who_moves_with_the_demand_is_stable() -> None:
    assert score([1, 2, 3, 2], [2, 3, 4, 3], 5).instability == 0
    assert score([1, 2, 2], [2, 1, 1], 5).instability == pytest.approx(100 / 3)
    assert score([1, 2, 1, 2], [2, 2, 2, 2], 3600).jitter == pytest.approx(-3 / 4)


def test_the_speedup_is_the_geometric_mean_of_four_ratios() -> None:
    without = score([2] * 8 + [4] * 8, [3] * 16, 5)
    better = score([2] * 8 + [4] * 8, [2] * 7 + [3] * 2 + [4] * 7, 5)
    assert better.ratios(without) == pytest.approx((8, 8, 8, 8))
    assert better.speedup(without) == pytest.approx(8)
    assert without.speedup(without) == 1


def test_scores_need_two_lines_of_the_same_length() -> None:
    with pytest.raises(ValueError, match="1 numbers of demand, 2 of supply"):
        score([1], [1, 2], 5)
    with pytest.raises(ValueError, match="0 numbers"):
        score([], [], 5)


def test_traces_are_read(tmp_path: Path) -> None:
    dated = tmp_path / "dated.csv"
    dated.write_text(
        "timestamp,value\n2014-04-10 00:00:00,300\n2014-04-10 00:05:00,0\n2014-04-10 00:15:00,600.0\n"
    )
    found = read(dated)
    assert (found.name, found.step, found.start) == ("dated", 300, 1397088000)
    assert list(found.rates) == [1, 0, 0, 2]
    packed = tmp_path / "seconds.csv.gz"
    packed.write_bytes(gzip.compress(b"second,requests\n0,3\n10,18\n20,4\n"))
    assert list(read(packed).rates) == pytest.approx([0.3, 1.8, 0.4])


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("second,requests\n0,1\n10,x\n", ":3", "not a line of a trace: 10,x"),
        ("second,requests\n0,1\n10\n", ":3", "not a line of a trace: 10"),
        ("second,requests\n10,1\n0,1\n", ":3", "not a line of a trace: 0,1"),
        ("second,requests\n0,-1\n", ":2", "not a line of a trace: 0,-1"),
        ("second,requests\n0,nan\n10,1\n", ":2", "not a line of a trace: 0,nan"),
        ("second,requests\n0,1\n", "", "at least two lines"),
        ("", "", "at least two lines"),
    ],
)
def test_what_is_no_trace_is_refused_with_its_line(tmp_path: Path, text: str, line: str, says: str) -> None:
    file = tmp_path / "trace.csv"
    file.write_text(text)
    with pytest.raises(BadInput, match=says) as caught:
        read(file)
    assert str(caught.value.where) == f"{file}{line}"


def test_a_missing_trace_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read(tmp_path / "none.csv")
    (tmp_path / "not.gz").write_text("second,requests\n0,1\n")
    with pytest.raises(BadInput, match="cannot be read"):
        read(tmp_path / "not.gz")


def test_the_mean_load_of_any_time() -> None:
    load = Load(Trace("t", 10, [1, 3, 5]))
    assert load.mean(0, 30) == 3
    assert load.mean(5, 15) == 2
    assert load.mean(20, 40) == 2.5, "after its end nothing comes"
    assert load.mean(-10, 10) == 1, "before its start there was nothing to see"
    assert load.mean(7, 7) == 0


def test_a_fleet_starts_late_and_lets_go_of_what_does_not_serve_first() -> None:
    fleet = Fleet(2)
    fleet.resize(5, now=0, seconds_to_start=iter([30.0, 40.0, 50.0]).__next__)
    fleet.advance(35)
    assert (fleet.serving, fleet.starting) == (3, [40, 50])
    fleet.resize(4, now=36, seconds_to_start=lambda: 0)
    assert (fleet.serving, fleet.starting) == (3, [40])
    fleet.resize(1, now=37, seconds_to_start=lambda: 0)
    assert (fleet.serving, fleet.starting) == (1, [])


WORLD = World(serves=10, target=7, min=1, max=20, starts=(40, 40))


def test_demand_is_what_the_load_of_a_minute_takes() -> None:
    trace = Trace("t", 10, [100, 0, 0, 0, 0, 0, 30, 30, 30, 30, 30, 30])
    _, members = demand(trace, WORLD)
    assert list(members) == [2] * 12 + [3] * 12


def test_no_rule_is_served_before_its_members_have_started() -> None:
    """A step from 5 to 60 a second after ten minutes: seen within 10 s, served 40 s later."""
    trace = Trace("step", 5, [5.0] * 120 + [60.0] * 120)
    heard = []
    group = Group("web", 1, 20, [Target("requests_per_second", 7)])
    found = run(OneStack(group, trace, on_decision=heard.append), trace, WORLD)
    out = [made for made in heard if made.action == "out"]
    first = out[0].observation.monotonic - 600
    assert 0 < first <= 10
    served = next(tick for tick, supply in enumerate(found.supply) if supply >= 6) * 5 - 600
    assert first + 40 <= served <= 10 + 40
    assert found.supply[-1] == 9


def test_a_run_is_the_same_each_time() -> None:
    trace = Trace("t", 10, [(n * 7919 % 13) * 5.0 for n in range(500)])
    group = Group("web", 1, 20, [Target("requests_per_second", 7), Predictive("requests_per_second", 7)])
    one, two = (run(OneStack(group, trace), trace, World(10, 7)) for _ in range(2))
    assert one.supply == two.supply
    assert one.scores() == two.scores()


def test_no_rule_sees_the_future() -> None:
    """What comes after a moment changes nothing before it."""
    before = [float(n % 30) for n in range(300)]
    group = Group("web", 1, 20, [Target("requests_per_second", 7)])
    runs = []
    for after in (0.0, 100.0):
        trace = Trace("t", 10, before + [after] * 300)
        runs.append(run(OneStack(group, trace), trace, WORLD))
    assert runs[0].supply[:600] == runs[1].supply[:600]
    assert runs[0].supply[600:] != runs[1].supply[600:]
