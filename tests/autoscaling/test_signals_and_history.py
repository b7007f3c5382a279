"""From an observation to signals, to states, to the history: what is missing is never taken for zero."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from onestack.autoscaling.autoscaler import journal
from onestack.autoscaling.autoscaler.collect import Times
from onestack.autoscaling.autoscaler.probe import check_of
from onestack.autoscaling.autoscaler.signals import signals
from onestack.autoscaling.decision.roster import MemberState
from onestack.autoscaling.observation import Signal
from onestack.autoscaling.reading import Record
from onestack.observe.observation import GuestRates, Observation, PoolRates
from onestack.spec import ScalingGroup


def group(*policies: dict[str, Any]) -> Record:
    settings = ScalingGroup.model_validate(
        {
            "name": "web",
            "max": 9,
            "server": {"image": "tiny", "flavor": "m1.nano", "network": "front"},
            "policies": list(policies),
        }
    )
    return Record("r", "p", "web", settings, {}, {"pool": "pool1"}, 2)


def guest(cpu: float | None) -> GuestRates:
    return GuestRates(cpu, None, None, None)


def observed(guests: dict[str, GuestRates], **pool: float | None) -> Observation:
    pools = {"pool1": PoolRates(**{"requests": 5.0, "connections": 2, "queue": 0, "response_time": None,
                                   "errors": None, **pool})}  # type: ignore[arg-type]  # fmt: skip
    return Observation(0.0, 0.0, guests, {}, pools, ())


def state(ident: str) -> MemberState:
    return MemberState(ident, ident, "ACTIVE", "d")


CPU = {"type": "target", "metric": "cpu", "target": "60%"}
REQUESTS = {"type": "target", "metric": "requests_per_second", "target": 5}
SLOW = {"type": "step", "metric": "response_time", "steps": [{"above": 100, "add": 1}]}
JOBS = {"type": "step", "metric": "jobs", "query": "sum(jobs)", "steps": [{"above": 100, "add": 1}]}


def none(query: str) -> float | None:
    return None


def test_guests_are_added_up_by_whether_they_serve() -> None:
    observation = observed({"a": guest(50.0), "b": guest(30.0), "c": guest(90.0)})
    found, wrong = signals(group(CPU), [state("a"), state("b")], [state("c")], observation, none)
    assert found == {"cpu": Signal(80.0, 90.0)}
    assert wrong == []


@pytest.mark.parametrize("guests", [{}, {"a": guest(50.0)}, {"a": guest(50.0), "b": guest(None)}])
def test_a_sum_of_which_a_part_is_missing_is_missing(guests: dict[str, GuestRates]) -> None:
    found, _ = signals(group(CPU), [state("a"), state("b")], [], observed(guests), none)
    assert found == {}


def test_a_pool_is_taken_as_a_whole() -> None:
    found, _ = signals(group(REQUESTS, SLOW), [state("a")], [], observed({}), none)
    assert found == {"requests_per_second": Signal(5.0)}
    late, _ = signals(group(SLOW), [state("a")], [], observed({}, response_time=120.0), none)
    assert late == {"response_time": Signal(120.0)}


def test_a_query_that_fails_is_told_and_missing() -> None:
    def refuses(query: str) -> float | None:
        raise ValueError(f"no {query}")

    found, wrong = signals(group(JOBS, REQUESTS), [state("a")], [], observed({}), refuses)
    assert set(found) == {"requests_per_second"}
    assert wrong == ["jobs: no sum(jobs)"]
    found, _ = signals(group(JOBS), [state("a")], [], observed({}), lambda query: 7.0)
    assert found == {"jobs": Signal(7.0)}


def test_a_clock_that_steps_lets_no_member_stay_or_go_early(monkeypatch: pytest.MonkeyPatch) -> None:
    times = Times()
    monkeypatch.setattr("time.time", lambda: 1000.0)
    assert times.leaving_for("a", "990.0", now=50.0, longest=30.0) == 10.0
    monkeypatch.setattr("time.time", lambda: 5.0)
    assert times.leaving_for("a", "990.0", now=53.0, longest=30.0) == 13.0
    # GroupObservation first when the clock is far behind, or far ahead.
    assert times.leaving_for("b", "990.0", now=53.0, longest=30.0) == 0.0
    monkeypatch.setattr("time.time", lambda: 1e9)
    assert times.leaving_for("c", "990.0", now=53.0, longest=30.0) == 30.0


def test_members_are_asked_as_their_pool_asks_them() -> None:
    http = check_of({"type": "HTTP", "url_path": "/up", "expected_codes": "200,204-206"}, 80)
    assert (http.path, sorted(http.codes)) == ("/up", [200, 204, 205, 206])
    assert check_of({"type": "TCP"}, 81).path is None
    assert check_of(None, 81).path is None


def decision(action: str, to: int) -> dict[str, Any]:
    return {"action": action, "to": to, "recommended": to, "limits": []}


def test_a_decision_that_changes_nothing_is_written_once_a_minute(tmp_path: Path) -> None:
    file = journal.file_of(tmp_path, "p", "we/b")
    kept = journal.Journal(file)
    for now in range(0, 120, 5):
        kept.decision(decision("hold", 2), float(now))
    kept.decision(decision("out", 3), 121.0)
    kept.decision(decision("out", 3), 126.0)
    assert [each["action"] for each in journal.read(file)] == ["hold", "hold", "out", "out"]


def test_a_history_is_bounded_and_survives_a_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LARGEST", 2000)
    file = journal.file_of(tmp_path, "p", "web")
    kept = journal.Journal(file)
    for number in range(200):
        kept.write("action", {"verb": "create", "member": str(number)})
    assert sum(each.stat().st_size for each in file.parent.iterdir()) < 5000
    with file.open("a") as out:
        out.write('{"kind": "act')
    assert [each["member"] for each in journal.read(file, 4)] == ["197", "198", "199"]
