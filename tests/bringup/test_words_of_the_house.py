"""Paths, errors, events, waits and the graph: the words that everything else is said in."""

from __future__ import annotations

import threading
from graphlib import CycleError
from pathlib import Path

import pytest

from onestack.core.errors import BadInput, PermanentError, Place, Unready
from onestack.core.events import Event, step
from onestack.core.graph import Task, execute
from onestack.core.paths import DEFAULT_CACHE, Paths
from onestack.core.wait import until


def test_all_paths_hang_from_the_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ONESTACK_CACHE", raising=False)
    paths = Paths.at(tmp_path)
    assert all(place.is_relative_to(tmp_path) for place in (paths.etc, paths.lib, paths.log, paths.run))
    assert paths.cache == DEFAULT_CACHE
    assert not paths.is_default
    assert len(paths.ident) == 6
    assert paths.ident != Paths.at(tmp_path / "other").ident
    monkeypatch.setenv("ONESTACK_CACHE", str(tmp_path / "cache"))
    assert Paths.at("/").cache == tmp_path / "cache"
    assert (Paths.at("/").is_default, Paths.at("/").ident) == (True, "")


def test_the_same_root_said_otherwise_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert Paths.at(".") == Paths.at(tmp_path) == Paths.at("link")


def test_an_error_as_data_leaves_out_what_it_has_not() -> None:
    error = BadInput("wrong", where=Place("a.yaml", 3, 7), hint="mend it")
    assert error.as_dict() == {"error": "wrong", "where": "a.yaml:3:7", "hint": "mend it"}
    assert error.exit_status == 2
    assert PermanentError("x").as_dict() == {"error": "x"}
    assert PermanentError("x").exit_status == 1


def test_a_step_says_that_it_began_and_how_it_ended() -> None:
    said: list[Event] = []
    with step("one", said.append) as at:
        at.progress("half")
        at.note("look")
        at.outcome = "done well"
    with pytest.raises(BadInput), step("two", said.append):
        raise BadInput("wrong", hint="mend it")
    with pytest.raises(ZeroDivisionError), step("three", said.append):
        raise ZeroDivisionError("by zero")
    assert [(each.step, each.state, each.message) for each in said] == [
        ("one", "started", ""),
        ("one", "progressed", "half"),
        ("one", "noted", "look"),
        ("one", "finished", "done well"),
        ("two", "started", ""),
        ("two", "failed", "wrong"),
        ("three", "started", ""),
        ("three", "failed", "ZeroDivisionError: by zero"),
    ]
    assert said[5].error == {"error": "wrong", "hint": "mend it"}
    assert [each.seconds is not None for each in said] == [
        False,
        False,
        False,
        True,
        False,
        True,
        False,
        True,
    ]
    assert "message" not in said[0].as_dict()


def test_a_wait_returns_what_it_saw() -> None:
    seen = iter([(False, "1"), (False, "2"), (True, "3")])
    assert until("three", lambda: next(seen), seconds=10, every=0) == "3"


def test_a_wait_that_fails_says_for_what_and_what_it_saw_last() -> None:
    with pytest.raises(Unready) as late:
        until("a answer", lambda: (False, "HTTP 503"), seconds=0, where="/log", evidence=lambda: "last lines")
    assert late.value.summary == "waited 0 s for a answer; last seen: HTTP 503"
    assert (late.value.where, late.value.detail) == ("/log", "last lines")


def test_tasks_run_after_what_they_need() -> None:
    done: list[str] = []
    tasks = [
        Task("c", lambda: done.append("c"), ("a", "b")),
        Task("a", lambda: done.append("a")),
        Task("b", lambda: done.append("b"), ("a",)),
    ]
    assert execute(tasks) == {}
    assert done == ["a", "b", "c"]


def test_what_does_not_need_each_other_runs_side_by_side() -> None:
    together = threading.Barrier(3, timeout=30)
    tasks = [Task(name, lambda: together.wait() and None) for name in "abc"]  # type: ignore[func-returns-value]
    assert execute(tasks, workers=3) == {}


def test_a_failure_leaves_out_what_needs_it_and_is_the_only_cause() -> None:
    done: list[str] = []

    def fail() -> None:
        raise PermanentError("broken")

    tasks = [
        Task("a", fail),
        Task("b", lambda: done.append("b"), ("a",)),
        Task("c", lambda: done.append("c"), ("b",)),
        Task("d", lambda: done.append("d")),
    ]
    failed = execute(tasks)
    assert list(failed) == ["a"]
    assert str(failed["a"]) == "broken"
    assert done == ["d"]


def test_a_need_that_nobody_fulfils_and_a_circle_are_refused() -> None:
    with pytest.raises(KeyError, match="a needs b"):
        execute([Task("a", lambda: None, ("b",))])
    with pytest.raises(CycleError):
        execute([Task("a", lambda: None, ("b",)), Task("b", lambda: None, ("a",))])
