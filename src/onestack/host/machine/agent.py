"""The agent of a RemoteMachine: a process on the host that executes requests and ends with its connection.

It reads requests from stdin and writes responses to stdout (see `wire`). If the client disconnects, or sends no
heartbeat for too long, the agent ends all that it runs, and itself. Processes that are meant to stay (supervisord)
have left its process tree by then.
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
"""How long its children may take to end after SIGTERM, before SIGKILL."""

Say = Callable[[str], None]
Verbs = Mapping[str, Callable[[dict[str, Any], Say], Any]]
"""Operations by name: JSON arguments in, a value for `wire.plain` out."""


def verbs(machine: LocalMachine) -> Verbs:
    """The operations of a Machine."""

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
    """The arguments, with those at `keys` converted to paths."""
    return {**given, **{key: Path(given[key]) if given[key] else None for key in keys}}


def condition(given: dict[str, Any]) -> Condition:
    """A condition from its JSON form."""
    given = placed(given, "socket", "cloud", "log")
    for key in ("http", "written"):
        given[key] = (Path(given[key][0]), given[key][1]) if given[key] else None
    given["command"] = tuple(given["command"])
    return Condition(**given)


class Agent:
    """Handles the requests of one connection, each in a thread of its own."""

    def __init__(self, requests: int, answers: int, verbs: Verbs) -> None:
        self._requests, self._answers = requests, answers
        self._writing = threading.Lock()
        self._verbs = {"hello": lambda given, say: sys.version, **verbs}

    def serve(self) -> None:
        """Serve until the client disconnects."""
        for text in self._lines():
            request = json.loads(text)
            if request["id"]:
                threading.Thread(target=self._answer, args=(request,), daemon=True).start()

    def _lines(self) -> Iterator[bytes]:
        kept = b""
        while select.select([self._requests], [], [], wire.SILENCE_SECONDS)[0]:
            read = os.read(self._requests, 1 << 16)
            if not read:
                return
            *whole, kept = (kept + read).split(b"\n")
            yield from whole

    def _answer(self, request: dict[str, Any]) -> None:
        number = request["id"]
        try:
            verb = self._verbs[request["verb"]]
            answer = {
                "result": verb(
                    request["arguments"], lambda progress: self._send({"id": number, "said": progress})
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
    """End all descendants of this process."""
    deadline = time.monotonic() + END_SECONDS
    terminated: set[int] = set()
    while left := tree(os.getpid()) - {os.getpid()}:
        late = time.monotonic() > deadline
        for pid in left:
            if late or pid not in terminated:
                terminated.add(pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if time.monotonic() > deadline + END_SECONDS:
            return
        time.sleep(0.05)


def main() -> None:
    """Serve the operations of a Machine on stdin and stdout."""
    serve(verbs(LocalMachine()))


def serve(verbs: Verbs) -> None:
    """Serve stdin and stdout. Output of commands goes elsewhere, since these two are the connection."""
    answers = os.dup(1)
    os.dup2(2, 1)
    # The end of stdin means that the session is lost: the agent then ends by itself.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        Agent(0, answers, verbs).serve()
    finally:
        end_children()
        sys.stderr.flush()
        os._exit(0)
