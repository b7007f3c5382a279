"""The far side of a RemoteMachine: a process on the host that does what it is asked and ends with its connection.

It reads questions from stdin and writes answers to stdout (see `wire`). When the asking side is gone, or silent for
too long, it ends what it was asked to run, and itself: nothing goes on that nobody hears of. What was started to
stay (supervisord) has left its process tree by then.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from onestack.host.machine import wire
from onestack.host.machine.interface import Condition, File
from onestack.host.machine.local import LocalMachine
from onestack.host.progress import tree

END_SECONDS = 5.0
"""How long what it runs may take to end after SIGTERM, before SIGKILL."""

Say = Callable[[str], None]
Verbs = Mapping[str, Callable[[dict[str, Any], Say], Any]]
"""What can be asked, by name: JSON arguments in, a value for `wire.plain` out."""


def verbs(machine: LocalMachine) -> Verbs:
    """Those of a Machine."""

    def files(given: dict[str, Any]) -> dict[Path, File]:
        return {
            Path(path): File(base64.b64decode(each["data"]), each["mode"]) for path, each in given.items()
        }

    return {
        "facts": lambda given, say: machine.facts([Path(each) for each in given["disks"]]),
        "run": lambda given, say: machine.run(given.pop("argv"), **placed(given, "cloud", "log")),
        "read_file": lambda given, say: machine.read_file(Path(given["path"])),
        "write_files": lambda given, say: machine.write_files(files(given["files"])),
        "wait_ready": lambda given, say: machine.wait_ready(
            given["what"], condition(given["condition"]), say
        ),
        "processes": lambda given, say: machine.processes(Path(given["run"])),
        "interfaces": lambda given, say: machine.interfaces(),
    }


def placed(given: dict[str, Any], *keys: str) -> dict[str, Any]:
    """Arguments whose values at `keys` are paths, where they were given."""
    return {**given, **{key: Path(given[key]) if given[key] else None for key in keys}}


def condition(given: dict[str, Any]) -> Condition:
    """A condition from its JSON."""
    given = placed(given, "socket", "cloud", "log")
    for key in ("http", "written"):
        given[key] = (Path(given[key][0]), given[key][1]) if given[key] else None
    given["command"] = tuple(given["command"])
    return Condition(**given)


class Agent:
    """Answers questions from one connection, each in a thread of its own."""

    def __init__(self, questions: int, answers: int, verbs: Verbs) -> None:
        self._questions, self._answers = questions, answers
        self._writing = threading.Lock()
        self._verbs = {"hello": lambda given, say: sys.version, **verbs}

    def serve(self) -> None:
        """Until the asking side is gone."""
        for text in self._lines():
            asked = json.loads(text)
            if asked["id"]:
                threading.Thread(target=self._answer, args=(asked,), daemon=True).start()

    def _lines(self) -> Iterator[bytes]:
        kept = b""
        while select.select([self._questions], [], [], wire.SILENCE_SECONDS)[0]:
            read = os.read(self._questions, 1 << 16)
            if not read:
                return
            *whole, kept = (kept + read).split(b"\n")
            yield from whole

    def _answer(self, asked: dict[str, Any]) -> None:
        number = asked["id"]
        try:
            verb = self._verbs[asked["verb"]]
            answer = {
                "result": verb(
                    asked["arguments"], lambda progress: self._send({"id": number, "said": progress})
                )
            }
        except BaseException as error:
            answer = {"error": wire.error_as_data(error)}
        self._send({"id": number, **answer})

    def _send(self, message: dict[str, Any]) -> None:
        data = wire.line(message)
        with self._writing, contextlib.suppress(BrokenPipeError):
            while data:
                data = data[os.write(self._answers, data) :]


def end_children() -> None:
    """End all that this process started and that is still its descendant."""
    deadline = time.monotonic() + END_SECONDS
    asked: set[int] = set()
    while left := tree(os.getpid()) - {os.getpid()}:
        late = time.monotonic() > deadline
        for pid in left:
            if late or pid not in asked:
                asked.add(pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if time.monotonic() > deadline + END_SECONDS:
            return
        time.sleep(0.05)


def main() -> None:
    """Serve a Machine's verbs on stdin and stdout."""
    serve(verbs(LocalMachine()))


def serve(verbs: Verbs) -> None:
    """Serve stdin and stdout. What a command writes goes elsewhere: these two are the connection."""
    answers = os.dup(1)
    os.dup2(2, 1)
    # The end of stdin shows a lost session: the agent then ends by itself.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        Agent(0, answers, verbs).serve()
    finally:
        end_children()
        sys.stderr.flush()
        os._exit(0)
