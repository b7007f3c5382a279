"""The stream of events of every long action: what started, progressed, finished or failed, and why.

The command line, `--json` and the journal are views of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from onestack.core.errors import OneStackError

State = Literal["started", "progressed", "finished", "failed", "skipped", "noted"]


@dataclass(frozen=True)
class Event:
    """`step`: the name of the step; `seconds`: its duration (finished and failed only); `time`: Unix time; `host`:
    where it runs, if not on the host of the command."""

    step: str
    state: State
    message: str = ""
    seconds: float | None = None
    error: dict[str, str] | None = None
    time: float = field(default_factory=time.time)
    host: str = ""

    @property
    def about(self) -> str:
        """The step's name, prefixed with its host if that is not the host of the command."""
        return f"{self.host}: {self.step}" if self.host else self.step

    def as_dict(self) -> dict[str, Any]:
        """The event as data, without empty fields."""
        return {key: value for key, value in vars(self).items() if value not in (None, "")}


Emit = Callable[[Event], None]


def silent(event: Event) -> None:
    """An `Emit` that ignores all events."""


class Step:
    """Given to the body of a step, to report its progress and outcome."""

    def __init__(self, name: str, emit: Emit) -> None:
        self._name = name
        self._emit = emit
        self._said = ""
        self.outcome = ""

    def progress(self, message: str) -> None:
        """Report progress; an empty or repeated message is ignored."""
        if message in ("", self._said):
            return
        self._said = message
        self._emit(Event(self._name, "progressed", message))

    def note(self, message: str) -> None:
        """Report something that the user should know and that is not a failure."""
        self._emit(Event(self._name, "noted", message))


@contextmanager
def step(name: str, emit: Emit, message: str = "") -> Iterator[Step]:
    """Emit `started` before a body, and `finished` (with `outcome` as its message) or `failed` after it."""
    begun = time.monotonic()
    emit(Event(name, "started", message))
    body = Step(name, emit)
    try:
        yield body
    except BaseException as error:
        data = (
            error.as_dict()
            if isinstance(error, OneStackError)
            else {"error": f"{type(error).__name__}: {error}"}
        )
        emit(Event(name, "failed", data["error"], time.monotonic() - begun, data))
        raise
    emit(Event(name, "finished", body.outcome, time.monotonic() - begun))
