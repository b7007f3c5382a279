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
from onestack.host.machine import wire
from onestack.host.machine.interface import Say, quiet

CONNECT_SECONDS = 30.0
"""How long the first answer may take, with the login and the start of Python."""

T = TypeVar("T")


class _Question:
    """One that is under way."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.answered = threading.Event()
        self.answer: dict[str, Any] = {}


class Connection:
    """A connection to an agent; every call may be made from any thread. To be closed: it is a context manager.

    `argv`: the command that is the connection (see `ssh.command`). `hello`: what the far side reads before the first
    request. Raises PermanentError when it cannot be made.
    """

    def __init__(self, name: str, argv: Sequence[str], hello: bytes = b"") -> None:
        self.name = name
        self._numbers = itertools.count(1)
        self._asked: dict[int, _Question] = {}
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
            # A Ctrl-C is for this side, which then closes the connection in order.
            start_new_session=True,
        )
        with contextlib.suppress(BrokenPipeError):
            self._write(hello)
        threading.Thread(target=self._listen, name=f"agent of {name}", daemon=True).start()
        threading.Thread(target=self._tell, name=f"heartbeat to {name}", daemon=True).start()
        try:
            self.ask("hello", {}, TypeAdapter(str), seconds=CONNECT_SECONDS)
        except TemporaryError as error:
            detail = self._last_words() or error.summary
            self.close()
            raise PermanentError(
                f"{name} cannot be reached",
                detail=detail,
                where=name,
                hint="the same login must work by hand without a question, and the host must have python3",
            ) from error

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; what is still under way on the host ends with it."""
        self._closed.set()
        self._lose("the connection was closed")
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
        """The answer to one question. The host keeps the time; `seconds` bounds the wait all the same."""
        question, number = _Question(say), next(self._numbers)
        with self._guard:
            if self._lost:
                raise self._gone(verb, unsure=False)
            self._asked[number] = question
        try:
            self._write(wire.line({"id": number, "verb": verb, "arguments": arguments}))
            # No deadline: the listener answers for a connection that is lost.
            if not question.answered.wait(seconds):
                raise TemporaryError(f"{self.name} did not answer within {seconds:.0f} s", unsure=True)
        except OSError as error:
            self._lose(str(error))
        finally:
            with self._guard:
                self._asked.pop(number, None)
        if "error" in question.answer:
            raise wire.error_from_data(question.answer["error"], self.name)
        if "result" not in question.answer:
            raise self._gone(verb, unsure=True)
        return kind.validate_python(question.answer["result"])

    def _gone(self, verb: str, *, unsure: bool) -> TemporaryError:
        happened = f"the connection to {self.name} was lost" + (f" during {verb}" if unsure else "")
        return TemporaryError(
            happened,
            unsure=unsure,
            detail=self._last_words() or self._lost,
            where=self.name,
            hint="when the host can be reached again, run the same command again: it goes on",
        )

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            try:
                answer = json.loads(text)
                question = self._asked.get(answer["id"])
            except (ValueError, KeyError, TypeError):
                # A login's greeting is not ours; without an agent the connection ends soon.
                continue
            if question is None:
                continue
            if "said" in answer:
                question.say(answer["said"])
            else:
                question.answer = answer
                question.answered.set()
        self._lose("it ended")

    def _tell(self) -> None:
        while not self._closed.wait(wire.HEARTBEAT_SECONDS):
            try:
                self._write(wire.line({"id": 0}))
            except OSError as error:
                self._lose(str(error))
                return

    def _lose(self, why: str) -> None:
        with self._guard:
            self._lost = self._lost or why
            left = list(self._asked.values())
        for question in left:
            question.answered.set()

    def _write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        with self._writing:
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def _last_words(self) -> str:
        if self._said.closed:
            return ""
        self._said.seek(0)
        return last_lines(self._said.read().decode(errors="replace"), 4)
