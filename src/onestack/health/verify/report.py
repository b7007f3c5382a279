"""The results of a check, as data, which are also reported as events.

If a step fails on which all later ones depend, the check ends (`step`); other failures are recorded and the check
goes on (`check`), so that one run reports as much as possible.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from onestack.core.errors import OneStackError, PermanentError
from onestack.core.events import Emit, Event, Step, step


@dataclass(frozen=True)
class StepResult:
    """One step: its duration in seconds, whether it succeeded, what was observed, or why it failed."""

    name: str
    seconds: float
    ok: bool
    outcome: str = ""
    error: dict[str, str] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The step as data, without empty fields."""
        data = {**vars(self), "seconds": round(self.seconds, 2)}
        return {key: value for key, value in data.items() if value not in (None, "")}


@dataclass(frozen=True)
class Report:
    """Whether the cloud works: the steps in the order in which they were made, and what could not be tested here."""

    steps: tuple[StepResult, ...]
    left_out: tuple[str, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """True if something was tested and nothing failed."""
        return bool(self.steps) and all(result.ok for result in self.steps)

    @property
    def failed(self) -> tuple[StepResult, ...]:
        """The failed steps, the first cause first."""
        return tuple(result for result in self.steps if not result.ok)

    @property
    def exit_status(self) -> int:
        """0 when the cloud works, else 1."""
        return 0 if self.ok else 1

    def as_dict(self) -> dict[str, Any]:
        """The report as data."""
        return {
            "ok": self.ok,
            "seconds": round(self.seconds, 2),
            "steps": [result.as_dict() for result in self.steps],
            "left_out": list(self.left_out),
        }


class Recorder:
    """Runs the steps of a check and records their results."""

    def __init__(self, emit: Emit) -> None:
        self.emit = emit
        self._begun = time.monotonic()
        self._steps: list[StepResult] = []
        self._left_out: list[str] = []

    @contextmanager
    def step(self, name: str, *, hint: str) -> Iterator[Step]:
        """A step on which later ones depend: it is recorded, and its error is raised. `hint`: what to read if the
        error does not say what to do."""
        begun = time.monotonic()
        try:
            with step(name, self.emit) as body, _explained(hint):
                yield body
        except BaseException as error:
            data = error.as_dict() if isinstance(error, OneStackError) else {"error": type(error).__name__}
            self._steps.append(StepResult(name, time.monotonic() - begun, False, error=data))
            raise
        self._steps.append(StepResult(name, time.monotonic() - begun, True, body.outcome))

    @contextmanager
    def check(self, name: str, *, hint: str) -> Iterator[Step]:
        """A step on which nothing depends: its failure is recorded, and the check goes on."""
        try:
            with self.step(name, hint=hint) as body:
                yield body
        except OneStackError:
            return

    def leave_out(self, what: str, why: str) -> None:
        """Record what is not tested, and why."""
        self._left_out.append(f"{what}: {why}")
        self.emit(Event(what, "skipped", why))

    def report(self) -> Report:
        """The results so far."""
        return Report(tuple(self._steps), tuple(self._left_out), time.monotonic() - self._begun)


@contextmanager
def _explained(hint: str) -> Iterator[None]:
    """Convert any error into one of ours that says what to read; KeyboardInterrupt and SystemExit pass."""
    try:
        yield
    except OneStackError as error:
        error.hint = error.hint or f"see: {hint}"
        raise
    except Exception as error:
        raise PermanentError(f"{type(error).__name__}: {error}", hint=f"see: {hint}") from error
