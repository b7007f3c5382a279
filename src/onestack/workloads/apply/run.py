"""Executes a plan's steps in parallel: each when its dependencies are done, with a limit for each service.

Temporary errors are retried.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Event as Flag
from threading import Lock

from onestack.core.errors import OneStackError, Place, TemporaryError
from onestack.core.events import Emit, silent, step
from onestack.core.graph import Task, execute
from onestack.workloads.apply.provider import Provider
from onestack.workloads.plan.model import Observed, Plan, Step, Wanted
from onestack.workloads.plan.order import steps
from onestack.workloads.plan.values import Address

WORKERS = 24
PATIENCE_SECONDS = 120.0
"""How long a temporary error is retried."""
_LONGEST_PAUSE = 8.0
_VERBS = {"create": "create", "update": "change", "replace": "replace", "delete": "delete"}


@dataclass(frozen=True)
class Failure:
    """A step that failed, and why. `cloud`: where, if the plan is over several."""

    address: Address
    action: str
    error: OneStackError
    place: Place | None = None
    cloud: str = ""

    def as_dict(self) -> dict[str, object]:
        data: dict[str, object] = {
            **({"cloud": self.cloud} if self.cloud else {}),
            "action": self.action,
            "resource": str(self.address),
            **self.error.as_dict(),
        }
        if self.place and self.place.line:
            data |= {"file": self.place.file, "line": self.place.line}
        return data


@dataclass(frozen=True)
class Outcome:
    """`done`: the number of completed steps; `undone`: steps that were not started, since a dependency failed.
    `away`: of a plan over several clouds, why nothing could be done in some."""

    done: int = 0
    seconds: float = 0.0
    failures: Sequence[Failure] = ()
    undone: Sequence[str] = ()
    added: int = 0
    changed: int = 0
    destroyed: int = 0
    ids: Mapping[Address, str] = field(default_factory=dict)
    away: Mapping[str, OneStackError] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.failures and not self.away

    def as_dict(self) -> dict[str, object]:
        return {
            "version": 1,
            "ok": self.ok,
            "added": self.added,
            "changed": self.changed,
            "destroyed": self.destroyed,
            "seconds": round(self.seconds, 2),
            "failures": [failure.as_dict() for failure in self.failures],
            "undone": list(self.undone),
            **({"away": {name: error.as_dict() for name, error in self.away.items()}} if self.away else {}),
        }


def run(plan: Plan, cloud: Provider, emit: Emit = silent) -> Outcome:
    """Execute the plan. Failures are in the outcome. After KeyboardInterrupt only steps in progress complete."""
    return _Run(plan, cloud, emit).run()


class _Run:
    def __init__(self, plan: Plan, cloud: Provider, emit: Emit) -> None:
        self._plan = plan
        self._cloud = cloud
        self._emit = emit
        self._ids = dict(plan.present)
        self._guard = Lock()
        self._stop = Flag()
        self._done: list[Step] = []
        self._unsure: set[Address] = set()

    def run(self) -> Outcome:
        started = time.monotonic()
        todo = {one.name: one for one in steps(self._plan, self._cloud.kinds)}
        tasks = [
            Task(one.name, partial(self._do, one), one.needs, self._service(one)) for one in todo.values()
        ]
        limits = {kind.service: kind.concurrency for kind in self._cloud.kinds.values()}
        # After Ctrl-C temporary errors are not retried.
        failed = execute(tasks, workers=WORKERS, limits=limits, interrupted=self._stop.set)
        failures = [self._failure(todo[name], error) for name, error in failed.items()]
        done = {one.name for one in self._done}
        undone = [name for name in todo if name not in done and name not in failed]
        actions = [one.change.action for one in self._done if one.verb == "make"]
        return Outcome(
            len(done),
            time.monotonic() - started,
            sorted(failures, key=lambda one: (one.place.line or 0) if one.place else 0),
            undone,
            sum(action in ("create", "replace") for action in actions),
            actions.count("update"),
            sum(one.verb == "remove" for one in self._done),
            self._ids,
        )

    def _service(self, one: Step) -> str:
        return str(self._cloud.kinds[one.change.address.kind].service)

    def _failure(self, one: Step, error: BaseException) -> Failure:
        if not isinstance(error, OneStackError):
            raise error
        action = "delete" if one.verb == "remove" else _VERBS[one.change.action]
        return Failure(one.change.address, action, error, one.change.place)

    def _id(self, address: Address) -> str:
        with self._guard:
            return self._ids[address]

    def _do(self, one: Step) -> None:
        verb = "delete" if one.verb == "remove" else "change" if one.change.action == "update" else "create"
        with step(f"{verb} {one.change.address}", self._emit) as at:
            self._with_retries(lambda: self._attempt(one), at.progress)
        with self._guard:
            self._done.append(one)

    def _attempt(self, one: Step) -> None:
        change, observed, wanted = one.change, one.change.observed, one.change.wanted
        address = change.address
        if one.verb == "remove":
            assert observed is not None
            self._cloud.delete(observed, self._id)
            with self._guard:
                self._ids.pop(address, None)
            return
        assert wanted is not None
        if change.action == "update":
            self._cloud.update(change, self._id(address), self._id)
            return
        with self._guard:
            ident = self._ids.get(address)
        if ident is None or (observed is not None and ident == observed.id):
            ident = self._create(wanted, observed)
            with self._guard:
                self._ids[address] = ident
        self._cloud.wait_ready(address, ident, self._id)

    def _create(self, wanted: Wanted, observed: Observed | None) -> str:
        address = wanted.address
        if address in self._unsure:
            # The connection broke during an earlier request: the resource may exist, and most APIs would create a
            # second one with the same name.
            found = self._cloud.find(wanted)
            if found is not None and (observed is None or found != observed.id):
                return found
            self._unsure.discard(address)
        try:
            return self._cloud.create(wanted, self._id)
        except TemporaryError as error:
            if error.unsure:
                self._unsure.add(address)
            raise

    def _with_retries(self, body: Callable[[], None], report: Callable[[str], None]) -> None:
        """Retry temporary errors, with increasing pauses."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        pause = 0.0
        attempt = 1
        while True:
            try:
                return body()
            except TemporaryError as error:
                attempt += 1
                pause = min(max(error.delay, pause * 2), _LONGEST_PAUSE)
                if time.monotonic() + pause > deadline or self._stop.is_set():
                    raise
                report(f"again in {pause:.0f} s (attempt {attempt}): {error.summary}")
                self._stop.wait(pause)
