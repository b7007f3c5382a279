"""Long actions as tasks: started by the console, run by processes of their own, known by their files.

A task's folder has `task.json` (what, when, who) and `events.jsonl`, a line for each event and a last one with the
outcome. Its process holds a lock on that file: without the lock and the last line it was killed. So a task goes on
when the console ends, and the next console shows it.
"""

from __future__ import annotations

import fcntl
import json
import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from onestack.console.places import checked, tasks_folder
from onestack.core.paths import Paths

KEPT = 50
"""How many tasks are kept."""
State = Literal["running", "done", "failed", "killed"]


@dataclass(frozen=True)
class Task:
    """A task. `began`, `ended`: Unix times. `steps`: its events, oldest first. `said`: its outcome in words."""

    id: str
    kind: str
    title: str
    who: str
    began: float
    state: State
    ended: float | None = None
    said: str = ""
    problem: dict[str, str] | None = None
    steps: tuple[dict[str, Any], ...] = field(default=())

    @property
    def seconds(self) -> float:
        """How long it took, or has run."""
        return (self.ended or time.time()) - self.began


def start(paths: Paths, kind: str, title: str, who: str, **given: str) -> str:
    """Start a task in a process of its own; its id. `given`: what `task` needs for this kind."""
    ident = f"{time.strftime('%Y%m%d%H%M%S')}-{secrets.token_hex(4)}"
    folder = tasks_folder(paths) / ident
    folder.mkdir(mode=0o700, parents=True)
    about = {"kind": kind, "title": title, "who": who, "began": time.time(), "given": given}
    (folder / "task.json").write_text(json.dumps(about))
    with (folder / "events.jsonl").open("a") as events, (folder / "output").open("w") as output:
        # The lock goes to the child with the open file: the task is never seen without it.
        fcntl.flock(events, fcntl.LOCK_EX)
        words = [sys.executable, "-W", "ignore", "-m", "onestack.console.task", str(paths.root)]
        subprocess.Popen(
            [*words, str(paths.cache), ident, str(events.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=[events.fileno()],
        )
    forget_old(paths)
    return ident


def read(paths: Paths, ident: str) -> Task | None:
    """A task; None if there is none. Raises ValueError for what is no id."""
    folder = tasks_folder(paths) / checked(ident)
    try:
        about = json.loads((folder / "task.json").read_text())
        with (folder / "events.jsonl").open() as events:
            running = _locked(events)
            lines = _lines(events.read())
    except (OSError, ValueError):
        return None
    end = lines[-1] if lines and "outcome" in lines[-1] else None
    state: State = "running" if running else "killed"
    if end is not None:
        state = "done" if end["outcome"] == "done" else "failed"
    return Task(
        ident,
        about["kind"],
        about["title"],
        about["who"],
        about["began"],
        state,
        end["time"] if end else None if running else (folder / "events.jsonl").stat().st_mtime,
        end.get("said", "") if end else _last(folder) if state == "killed" else "",
        end.get("problem") if end else None,
        tuple(each for each in lines if "step" in each),
    )


def known(paths: Paths, last: int = KEPT) -> list[Task]:
    """The tasks, newest first."""
    folder = tasks_folder(paths)
    names = sorted((each.name for each in folder.iterdir()), reverse=True) if folder.is_dir() else []
    found = (read(paths, name) for name in names[:last])
    return [each for each in found if each is not None]


def forget_old(paths: Paths) -> None:
    """Remove the oldest tasks above the number that is kept."""
    for each in known(paths, 10 * KEPT)[KEPT:]:
        if each.state != "running":
            shutil.rmtree(tasks_folder(paths) / each.id, ignore_errors=True)


def _locked(file: Any) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False


def _lines(text: str) -> list[dict[str, Any]]:
    found = []
    for line in text.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def _last(folder: Path) -> str:
    """What a process that was killed printed last, if anything."""
    file = folder / "output"
    lines = file.read_text(errors="replace").splitlines() if file.exists() else []
    return lines[-1] if lines else "its process was killed; what it did stays, and it can be started again"
