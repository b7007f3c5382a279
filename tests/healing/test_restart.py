"""Guests whose process ended on a host that lives: which they are, when they are tried, and what is done."""

from __future__ import annotations

import json
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openstack.exceptions import ConflictException, NotFoundException

from onestack.autoscaling import record
from onestack.health.healing.decide import Record
from onestack.health.healing.ended import parse
from onestack.health.healing.restart import (
    BACKOFF,
    FORGOTTEN,
    SURE,
    TRIES,
    Done,
    Due,
    Restart,
    Schedule,
    not_ours,
    outcome,
)

STATES = """\
Domain: 'instance-00000001'
  state.state=5
  state.reason=3

Domain: 'instance-00000002'
  state.state=5
  state.reason=1

Domain: 'instance-00000003'
  state.state=5
  state.reason=6

Domain: 'instance-00000004'
  state.state=5
  state.reason=2

Domain: 'instance-00000005'
  state.state=5
  state.reason=0
"""
NAMES = "\n".join(f" uuid-{n}   instance-0000000{n}" for n in range(1, 6))


def test_only_what_crashed_or_could_not_start_has_ended() -> None:
    # 1: it was shut down in order; 2: Nova ended it; 0: libvirtd is new, and knows nothing of it.
    assert parse(STATES, NAMES) == ("uuid-1", "uuid-3")
    assert parse(STATES, "") == ()
    assert parse("", NAMES) == ()


def test_a_lease_names_them() -> None:
    assert Record.of(json.dumps({"state": "serving", "ended": ["a"]})).ended == ("a",)
    assert Record.of(json.dumps({"state": "serving"})).ended == ()


def tries(schedule: Schedule, ended: dict[str, str], begin: int, end: int) -> list[tuple[int, int]]:
    """When a guest was tried, and which try it was, where it is seen as ended all the time."""
    found = []
    for at in range(begin, end):
        for due in schedule.observe(at, ended):
            schedule.tried(at, due.ident)
            found.append((at, due.number))
    return found


def test_a_guest_that_does_not_start_is_tried_ever_more_rarely_then_moved_once() -> None:
    found = tries(Schedule(), {"a": "n1"}, 0, 3600)
    assert found == [(4, 1), (34, 2), (154, 3), (274, 4)]
    assert Due("a", "n1", TRIES + 1).last and not Due("a", "n1", TRIES).last


def test_one_that_is_seen_for_a_moment_is_not_tried() -> None:
    schedule = Schedule()
    for at in range(0, 100, 2):
        assert schedule.observe(at, {"a": "n1"} if at % 4 else {}) == []


def test_one_that_ends_again_soon_goes_on_counting_and_later_begins_anew() -> None:
    schedule = Schedule()
    assert tries(schedule, {"a": "n1"}, 0, 10) == [(4, 1)]
    assert tries(schedule, {}, 10, 60) == []
    assert tries(schedule, {"a": "n1"}, 60, 70) == [(64, 2)]
    assert tries(schedule, {}, 70, 72 + int(FORGOTTEN)) == []
    assert schedule.seen == {}
    assert tries(schedule, {"a": "n1"}, 2000, 2010) == [(2004, 1)]


def test_one_that_is_left_is_left_until_it_runs_again() -> None:
    schedule = Schedule()
    assert tries(schedule, {"a": "n1"}, 0, 5) == [(4, 1)]
    schedule.ended(5, "a", Done("left", final=True))
    schedule.ended(5, "unknown", Done("left", final=True))
    assert tries(schedule, {"a": "n1"}, 5, 2000) == []
    assert tries(schedule, {}, 2000, 2010) == []
    assert [number for _, number in tries(schedule, {"a": "n1"}, 2010, 2020)] == [2]


def test_a_look_at_one_that_nova_is_busy_with_does_not_count() -> None:
    schedule, found = Schedule(), []
    for at in range(100):
        for due in schedule.observe(at, {"a": "n1"}):
            schedule.tried(at, due.ident)
            schedule.ended(at, due.ident, None)
            found.append((at, due.number))
    assert found == [(4, 1), (34, 1), (64, 1), (94, 1)]


@given(st.lists(st.booleans(), min_size=1, max_size=400))
def test_there_are_never_more_tries_than_the_back_off_lets(ended: list[bool]) -> None:
    schedule, found = Schedule(), list[float]()
    for at, is_ended in enumerate(ended):
        for due in schedule.observe(at, {"a": "n1"} if is_ended else {}):
            schedule.tried(at, due.ident)
            found.append(at)
            assert all(ended[at - int(SURE) : at])
    assert len(found) <= len(BACKOFF)
    assert all(later - sooner >= BACKOFF[1] for sooner, later in pairwise(found))


def server(**more: Any) -> Any:
    plain = {"id": "1", "name": "web", "status": "SHUTOFF", "task_state": None, "compute_host": "n1"}
    return SimpleNamespace(**{**plain, "metadata": {}, "attached_volumes": [], "fault": None, **more})


class Nova:
    """Does at once what it is told. `by`: the user of the last action, a stop."""

    def __init__(self, one: Any, by: str | None = None, trouble: Exception | None = None) -> None:
        self.one, self.by, self.trouble = one, by, trouble
        self.done: list[str] = []

    def get_server(self, which: Any) -> Any:
        if self.one is None:
            raise NotFoundException("no such server")
        return self.one

    def server_actions(self, which: Any) -> list[Any]:
        return [
            SimpleNamespace(action="create", start_time="1", user_id="u", message=None),
            SimpleNamespace(action="stop", start_time="2", user_id=self.by, message=None),
        ]

    def _do(self, what: str, **changed: str) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.done.append(what)
        self.one.__dict__.update(changed)

    def start_server(self, which: Any) -> None:
        self._do("start", status="ACTIVE")

    def stop_server(self, which: Any) -> None:
        self._do("stop", status="SHUTOFF")

    def reboot_server(self, which: Any, kind: str) -> None:
        self._do(f"reboot {kind}", status="ACTIVE")

    def migrate_server(self, which: Any) -> None:
        self._do("migrate", status="VERIFY_RESIZE", compute_host="n2")

    def confirm_server_resize(self, which: Any) -> None:
        self._do("confirm", status="SHUTOFF")


def dealt(nova: Nova, number: int = 1) -> Done | None:
    admin: Any = SimpleNamespace(compute=nova)
    return outcome(Restart(admin, lambda backend: False), Due("1", "n1", number))


@pytest.mark.parametrize(("status", "way"), [("SHUTOFF", "start"), ("ACTIVE", "reboot HARD")])
def test_it_is_started_whatever_nova_has_seen(status: str, way: str) -> None:
    nova = Nova(server(status=status))
    assert dealt(nova) == Done("web: its process ended; it was started again there (try 1)")
    assert nova.done == [way]


@pytest.mark.parametrize(
    "one",
    [None, server(status="PAUSED"), server(task_state="powering-on"), server(compute_host="n2")],
)
def test_what_is_not_there_or_busy_is_left(one: Any) -> None:
    nova = Nova(one)
    assert (dealt(nova), nova.done) == (None, [])


def test_what_a_person_stopped_stays_so() -> None:
    nova = Nova(server(), by="somebody")
    assert (dealt(nova), nova.done) == (None, [])


def test_who_wishes_nothing_is_left_and_that_is_final() -> None:
    nova = Nova(server(metadata={"healing": "leave"}))
    found = dealt(nova)
    assert found is not None and found.final and "healing: leave" in found.words
    assert nova.done == []
    assert "scaling group" in not_ours(server(metadata={record.GROUP: "g"}))
    assert not_ours(server(metadata={"healing": "restart"})) == ""


def test_after_the_last_try_it_is_moved_and_started_there() -> None:
    for status, before in (("SHUTOFF", []), ("ACTIVE", ["stop"])):
        nova = Nova(server(status=status))
        found = dealt(nova, TRIES + 1)
        assert found == Done("web: its process ended 4 times; it was moved to n2 and started there", True)
        assert nova.done == [*before, "migrate", "confirm", "start"]


def test_one_that_is_not_to_be_moved_is_left_after_the_last_try() -> None:
    nova = Nova(server(metadata={"healing": "restart"}))
    found = dealt(nova, TRIES + 1)
    assert (
        found is not None and found.final and found.words.endswith("left as it is: it says healing: restart")
    )
    assert nova.done == []


def test_a_try_that_fails_says_why_and_another_one_may_follow() -> None:
    nova = Nova(server(), trouble=ConflictException("task_state powering-on"))
    found = dealt(nova, 2)
    assert found is not None and not found.final
    assert "try 2 to start it again failed: Nova is busy with it" in found.words
