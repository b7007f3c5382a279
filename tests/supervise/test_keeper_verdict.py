"""When the keeper has a process started anew, when it lets be, and what it counts."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from onestack.health.keeper import FATAL_PAUSE, Watched, recall, verdict
from onestack.platform.shape import Process, Ready

HANG = 60.0


def watched() -> Watched:
    return Watched(Process("nova", ("nova",), Ready(), hang_seconds=HANG))


def test_a_process_that_answers_is_let_be() -> None:
    one = watched()
    assert [verdict(one, "RUNNING", 7, True, now) for now in range(0, 300, 5)] == [None] * 60
    assert one.restarts == 0


def test_silence_counts_only_after_it_was_ready_once() -> None:
    one = watched()
    assert [verdict(one, "RUNNING", 7, False, now) for now in range(0, 600, 5)] == [None] * 120


def test_silence_longer_than_allowed_has_it_started_anew_once() -> None:
    one = watched()
    verdict(one, "RUNNING", 7, True, 0)
    found = [verdict(one, "RUNNING", 7, False, now) for now in (10, 40, 69, 70, 75)]
    assert found == [None, None, None, "restart", None]


def test_an_answer_in_between_begins_the_count_anew() -> None:
    one = watched()
    verdict(one, "RUNNING", 7, True, 0)
    answers = [(10, False), (60, False), (65, True), (71, False), (130, False), (131, False)]
    assert [verdict(one, "RUNNING", 7, answer, now) for now, answer in answers] == [*[None] * 5, "restart"]


def test_a_look_that_was_not_made_says_nothing() -> None:
    one = watched()
    verdict(one, "RUNNING", 7, True, 0)
    assert [verdict(one, "RUNNING", 7, None, now) for now in (10, 100, 1000)] == [None, None, None]


def test_another_pid_is_a_restart_and_must_get_ready_first() -> None:
    one = watched()
    verdict(one, "RUNNING", 7, True, 0)
    assert verdict(one, "RUNNING", 8, False, 100) is None
    assert verdict(one, "RUNNING", 8, False, 1000) is None
    assert (one.restarts, one.pid) == (1, 8)


def test_its_first_pid_is_no_restart() -> None:
    one = watched()
    verdict(one, "RUNNING", 7, None, 0)
    assert one.restarts == 0


def test_what_supervisord_gave_up_is_tried_again_less_and_less_often() -> None:
    one = watched()
    tried = [now for now in range(400) if verdict(one, "FATAL", 0, None, float(now)) == "launch"]
    gaps = [later - earlier for earlier, later in pairwise(tried)]
    assert tried[0] == FATAL_PAUSE[0]
    assert gaps[:3] == list(FATAL_PAUSE[1:])
    assert set(gaps[3:]) == {FATAL_PAUSE[-1]}


def test_what_came_back_for_good_is_tried_at_once_the_next_time() -> None:
    one = watched()
    for now in range(100):
        verdict(one, "FATAL", 0, None, float(now))
    verdict(one, "RUNNING", 9, True, 100)
    assert one.given_up == 0


def test_starting_and_stopping_are_nobodys_business() -> None:
    one = watched()
    verdict(one, "RUNNING", 7, True, 0)
    assert [verdict(one, state, 7, None, 500) for state in ("STARTING", "BACKOFF", "STOPPING")] == [None] * 3


def test_a_keeper_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "keeper.json"
    file.write_text(json.dumps({"time": 0, "supervisor": 5, "restarts": {"nova": 3}, "ready": {"nova": 7}}))
    one = watched()
    recall({"nova": one}, file, supervisor=5)
    assert one.restarts == 3
    assert [verdict(one, "RUNNING", 7, False, now) for now in (0.0, HANG)] == [None, "restart"]
    other = watched()
    recall({"nova": other}, file, supervisor=5)
    verdict(other, "RUNNING", 8, False, 0.0)
    assert other.restarts == 4


@pytest.mark.parametrize(
    "text", [None, "", "{}", '{"supervisor": 5}', '{"supervisor": 6, "restarts": {"nova": 3}}']
)
def test_notes_of_another_time_are_left_alone(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "keeper.json"
    if text is not None:
        file.write_text(text)
    one = watched()
    recall({"nova": one}, file, supervisor=5)
    assert (one.restarts, one.pid, one.was_ready) == (0, 0, False)
