"""One connection to an agent on another host: requests out, progress and answers in."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter

from onestack.core.errors import PermanentError, TemporaryError
from onestack.host.command import last_lines
from onestack.host.machine import refusals, wire
from onestack.host.machine.interface import Say, quiet

CONNECT_SECONDS = 30.0
"""How long the first response may take, including the login and the start of Python."""

T = TypeVar("T")


class _PendingRequest:
    """A request in flight."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.answered = threading.Event()
        self.answer: dict[str, Any] = {}


class Connection:
    """A connection to an agent; every call may be made from any thread. Close it after use: it is a context manager.

    `argv`: the command that is the connection (see `ssh.command`). `hello`: sent before the first request. Raises
    PermanentError if it cannot be established.
    """

    def __init__(self, name: str, argv: Sequence[str], hello: bytes = b"") -> None:
        self.name = name
        self._numbers = itertools.count(1)
        self._pending: dict[int, _PendingRequest] = {}
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self._lost = ""
        self._closed = threading.Event()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the connection)
        self.process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            # A Ctrl-C must only reach this side, which then closes the connection in order.
            start_new_session=True,
        )
        with contextlib.suppress(BrokenPipeError):
            self._write(hello)
        threading.Thread(target=self._listen, name=f"agent of {name}", daemon=True).start()
        threading.Thread(target=self._send_heartbeats, name=f"heartbeat to {name}", daemon=True).start()
        try:
            self.ask("hello", {}, TypeAdapter(str), seconds=CONNECT_SECONDS)
        except TemporaryError as error:
            detail = self._error_output() or error.summary
            self.close()
            raise PermanentError(
                f"{name} cannot be reached",
                detail=detail,
                where=name,
                hint=refusals.advice(detail),
            ) from error

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; requests in flight on the host end with it."""
        self._closed.set()
        self._fail_all("the connection was closed")
        with contextlib.suppress(OSError):
            if self.process.stdin:
                self.process.stdin.close()
        try:
            self.process.wait(2 * wire.HEARTBEAT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._said.close()

    def ask(
        self,
        verb: str,
        arguments: Mapping[str, Any],
        kind: TypeAdapter[T],
        say: Say = quiet,
        *,
        seconds: float | None = None,
    ) -> T:
        """The response to one request. The host enforces the timeout; `seconds` bounds the wait in addition."""
        request, number = _PendingRequest(say), next(self._numbers)
        with self._guard:
            if self._lost:
                raise self._connection_lost(verb, unsure=False)
            self._pending[number] = request
        try:
            self._write(wire.line({"id": number, "verb": verb, "arguments": arguments}))
            # No deadline: the reading thread answers all requests if the connection is lost.
            if not request.answered.wait(seconds):
                raise TemporaryError(f"{self.name} did not answer within {seconds:.0f} s", unsure=True)
        except OSError as error:
            self._fail_all(str(error))
        finally:
            with self._guard:
                self._pending.pop(number, None)
        if "error" in request.answer:
            raise wire.error_from_data(request.answer["error"], self.name)
        if "result" not in request.answer:
            raise self._connection_lost(verb, unsure=True)
        return kind.validate_python(request.answer["result"])

    def _connection_lost(self, verb: str, *, unsure: bool) -> TemporaryError:
        happened = f"the connection to {self.name} was lost" + (f" during {verb}" if unsure else "")
        return TemporaryError(
            happened,
            unsure=unsure,
            detail=self._error_output() or self._lost,
            where=self.name,
            hint="when the host can be reached again, run the same command again: it continues",
        )

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            try:
                answer = json.loads(text)
                request = self._pending.get(answer["id"])
            except (ValueError, KeyError, TypeError):
                # A login banner is no message of ours; without an agent the connection ends soon.
                continue
            if request is None:
                continue
            if "said" in answer:
                request.say(answer["said"])
            else:
                request.answer = answer
                request.answered.set()
        self._fail_all("it ended")

    def _send_heartbeats(self) -> None:
        while not self._closed.wait(wire.HEARTBEAT_SECONDS):
            try:
                self._write(wire.line({"id": 0}))
            except OSError as error:
                self._fail_all(str(error))
                return

    def _fail_all(self, why: str) -> None:
        with self._guard:
            self._lost = self._lost or why
            left = list(self._pending.values())
        for request in left:
            request.answered.set()

    def _write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        with self._writing:
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def _error_output(self) -> str:
        if self._said.closed:
            return ""
        self._said.seek(0)
        return last_lines(self._said.read().decode(errors="replace"), 4)
