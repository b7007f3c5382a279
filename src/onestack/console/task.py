"""A task's process: does one long action by the Python API, and writes its events to the task's file."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TextIO

from onestack.cloud import Cloud
from onestack.console.places import plan_file, tasks_folder
from onestack.core.errors import OneStackError
from onestack.core.events import Emit, Event
from onestack.core.paths import Paths
from onestack.health.restart import restart
from onestack.workloads.operations import ApplyFailed

Given = Mapping[str, str]


def _restart(cloud: Cloud, given: Given, emit: Emit) -> str:
    restart(cloud.site, given["name"], emit)
    return f"{given['name']} answers"


def _apply(cloud: Cloud, given: Given, emit: Emit) -> str:
    written = json.loads(plan_file(cloud.paths, given["plan"]).read_text())
    outcome = cloud.apply_written(written, emit=emit)
    if not outcome.ok:
        raise ApplyFailed(outcome)
    return f"{outcome.added} added, {outcome.changed} changed, {outcome.destroyed} destroyed"


KINDS: Final[Mapping[str, Callable[[Cloud, Given, Emit], str]]] = {"restart": _restart, "apply": _apply}
"""What a task can be; each returns its outcome in words, and raises what the API raises."""


def run(cloud: Cloud, kind: str, given: Given, out: TextIO) -> bool:
    """Do it; whether it succeeded. Each event is a line of `out`, and so is the outcome."""
    guard = threading.Lock()

    def line(data: Mapping[str, Any]) -> None:
        with guard:
            out.write(json.dumps(data, default=str) + "\n")
            out.flush()

    def emit(event: Event) -> None:
        line(event.as_dict())

    try:
        said = KINDS[kind](cloud, given, emit)
    except OneStackError as error:
        line({"outcome": "failed", "time": time.time(), "said": error.summary, "problem": error.as_dict()})
        return False
    except Exception as error:  # it must be said, whatever it is
        said = f"{type(error).__name__}: {error}"
        line({"outcome": "failed", "time": time.time(), "said": said, "problem": {"error": said}})
        return False
    line({"outcome": "done", "time": time.time(), "said": said})
    return True


def main(root: str, cache: str, ident: str, descriptor: str) -> None:
    """Run the task `ident`; `descriptor`: its open events file, which holds its lock."""
    # It belongs to no terminal: a Ctrl-C or a hang-up there must not end it.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    paths = Paths.at(root, cache)
    about = json.loads((tasks_folder(paths) / ident / "task.json").read_text())
    with os.fdopen(int(descriptor), "a") as out:
        done = run(Cloud(root, cache=cache), about["kind"], about["given"], out)
    sys.exit(0 if done else 1)


if __name__ == "__main__":
    main(*sys.argv[1:5])
