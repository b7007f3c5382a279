"""Long actions: confirmed, recorded, in processes of their own, known by their files whatever happens to these."""

from __future__ import annotations

import fcntl
import json
import os
import signal
from pathlib import Path

import pytest

from console.conftest import Browser
from onestack.console import audit, tasks
from onestack.console.places import checked, plan_file, tasks_folder
from onestack.core.paths import Paths
from onestack.core.wait import until


def _ended(paths: Paths, ident: str) -> tasks.Task:
    def look() -> tuple[bool, str]:
        found = tasks.read(paths, ident)
        return found is not None and found.state != "running", str(found)

    until("the task to end", look, seconds=60)
    found = tasks.read(paths, ident)
    assert found is not None
    return found


@pytest.mark.parametrize("path", ["/restart", "/apply"])
def test_what_is_not_confirmed_is_not_done(browser: Browser, paths: Paths, path: str) -> None:
    assert browser.post(path, name="nova", plan="0123456789abcdef").status == 400
    assert not tasks.known(paths)


def test_a_restart_is_a_task_of_who_asked_and_recorded(browser: Browser, paths: Paths) -> None:
    answer = browser.post("/restart", name="nova", confirm="yes")
    ident = answer.headers["Location"].removeprefix("/tasks/")
    task = _ended(paths, ident)
    assert (task.state, task.kind, task.who) == ("failed", "restart", "ada")
    assert "there is no cloud" in task.said
    entry = list(audit.read(paths, 9))[-1]
    assert (entry["kind"], entry["who"], entry["about"], entry["task"]) == ("restart", "ada", "nova", ident)
    text = browser.text(f"/tasks/{ident}")
    assert "there is no cloud under" in text
    assert "Restart nova" in browser.text("/tasks")


@pytest.mark.parametrize("plan", ["../../etc/passwd", "", "0123456789abcdef"])
def test_only_a_plan_that_was_shown_can_be_applied(browser: Browser, paths: Paths, plan: str) -> None:
    assert browser.post("/apply", plan=plan, confirm="yes").status == 404
    assert not tasks.known(paths)


def test_an_apply_is_of_the_plan_that_was_shown(browser: Browser, paths: Paths) -> None:
    file = plan_file(paths, "0123456789abcdef")
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"made_from": {"spec": {"file": "x.yaml", "text": "name: x\n"}}}))
    answer = browser.post("/apply", plan="0123456789abcdef", confirm="yes")
    task = _ended(paths, answer.headers["Location"].removeprefix("/tasks/"))
    assert (task.kind, task.state) == ("apply", "failed")
    assert "there is no cloud" in task.said


def _folder(paths: Paths, ident: str, *lines: object) -> Path:
    folder = tasks_folder(paths) / ident
    folder.mkdir(parents=True)
    about = {"kind": "apply", "title": "Apply", "who": "ada", "began": 1000.0, "given": {}}
    (folder / "task.json").write_text(json.dumps(about))
    (folder / "events.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in lines))
    return folder


STEP = {"step": "network a/net", "state": "finished", "time": 1001.0, "seconds": 0.5}


def test_a_task_with_an_outcome_has_ended(paths: Paths) -> None:
    _folder(paths, "0" * 8, STEP, {"outcome": "done", "time": 1010.0, "said": "1 added"})
    task = tasks.read(paths, "0" * 8)
    assert task is not None
    assert (task.state, task.said, task.seconds, task.steps) == ("done", "1 added", 10.0, (STEP,))


def test_a_task_without_lock_and_outcome_was_killed(paths: Paths, browser: Browser) -> None:
    folder = _folder(paths, "0" * 8, STEP)
    with (folder / "events.jsonl").open("a") as out:
        fcntl.flock(out, fcntl.LOCK_EX)
        running = tasks.read(paths, "0" * 8)
        assert running is not None
        assert running.state == "running"
        # A line that is not complete yet is not shown yet.
        out.write('{"step": "half')
        out.flush()
        again = tasks.read(paths, "0" * 8)
        assert again is not None
        assert again.steps == (STEP,)
    killed = tasks.read(paths, "0" * 8)
    assert killed is not None
    assert killed.state == "killed"
    assert "its process was killed" in browser.text(f"/tasks/{'0' * 8}")


def test_a_task_goes_on_without_the_process_that_started_it(paths: Paths) -> None:
    child = os.fork()
    if child == 0:
        tasks.start(paths, "restart", "Restart nova", "ada", name="nova")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    (found,) = tasks.known(paths)
    assert "there is no cloud" in _ended(paths, found.id).said


def test_only_the_last_tasks_are_kept(paths: Paths) -> None:
    for number in range(tasks.KEPT + 3):
        _folder(paths, f"{number:08d}", {"outcome": "done", "time": 1.0})
    tasks.forget_old(paths)
    assert [each.id for each in tasks.known(paths)] == [f"{n:08d}" for n in range(tasks.KEPT + 2, 2, -1)]


@pytest.mark.parametrize("ident", ["..", "/etc", "a b", "0" * 80])
def test_an_id_is_no_path(ident: str, browser: Browser) -> None:
    with pytest.raises(ValueError, match="is no id"):
        checked(ident)
    assert browser.get(f"/tasks/{ident}").status == 404


def test_the_strip_is_sent_at_once_and_when_it_changes(browser: Browser, paths: Paths) -> None:
    stream = browser.get("/live/tasks").stream
    assert stream is not None
    assert b"No tasks" in next(stream)
    _folder(paths, "0" * 8, STEP)
    piece = next(stream)
    assert piece.startswith(b"event: tasks\ndata: ")
    assert b"Apply" in piece
    assert piece.endswith(b"\n\n")
    browser.app.end()
    assert next(stream, None) is None
