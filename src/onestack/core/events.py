"""The one stream that every long action speaks: what started, went on, finished or failed, and why.

The command line, `--json`, and the journal are views of it.
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
    """`step`: what it is about; `seconds`: how long it took (finished and failed only); `time`: Unix time; `host`:
    where, if not on the host that the command runs on."""

    step: str
    state: State
    message: str = ""
    seconds: float | None = None
    error: dict[str, str] | None = None
    time: float = field(default_factory=time.time)
    host: str = ""

    @property
    def about(self) -> str:
        """The step, with its host before it if that is another one."""
        return f"{self.host}: {self.step}" if self.host else self.step

    def as_dict(self) -> dict[str, Any]:
        """The event as data, empty parts left out."""
        return {key: value for key, value in vars(self).items() if value not in (None, "")}


Emit = Callable[[Event], None]


def silent(event: Event) -> None:
    """An `Emit` for callers who do not listen."""


class Step:
    """Given to the body of a step, to say how it goes on."""

    def __init__(self, name: str, emit: Emit) -> None:
        self._name = name
        self._emit = emit
        self._said = ""
        self.outcome = ""

    def progress(self, message: str) -> None:
        """Say where the step is now; what was said last, or nothing, is not said again."""
        if message in ("", self._said):
            return
        self._said = message
        self._emit(Event(self._name, "progressed", message))

    def note(self, message: str) -> None:
        """Say something the user should know that is not a failure."""
        self._emit(Event(self._name, "noted", message))


@contextmanager
def step(name: str, emit: Emit, message: str = "") -> Iterator[Step]:
    """Emit started, then finished (with `outcome` as its message) or failed around a body."""
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
