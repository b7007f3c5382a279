"""Measures a running group's reaction to a step of load, up and back: times, sizes, and every failed request."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from onestack.autoscaling.groups import ScalingGroups
from onestack.autoscaling.trial.load import Answer, Load
from onestack.core import wait
from onestack.core.errors import BadInput
from onestack.core.events import Emit, silent, step

STEADY_SECONDS = 300.0
"""How long the group may take to reach its size before the step, and again after it, on a busy machine."""


@dataclass(frozen=True)
class Report:
    """Seconds from the step to the decision, and to the first answer of a new member."""

    group: str
    low: float
    high: float
    before: int
    largest: int
    after: int
    decision: float | None
    first_answer: float | None
    requests: int
    failed: int
    slowest: float
    failures: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def step_load(
    scaling: ScalingGroups,
    name: str,
    *,
    low: float,
    high: float,
    seconds: float,
    back: float,
    during: Callable[[], None] | None = None,
    emit: Emit = silent,
) -> Report:
    """Send `low` requests a second, then `high` for `seconds`, then `low` until the group is small again.

    `back`: how long that may take, in seconds; 0: do not wait. `during`: called at the high load when the group has
    grown, for example for an update. Call it in the cloud's network namespace. Raises BadInput, Unready.
    """
    group = scaling.group(name)
    least = group.record.settings.min
    with step("a small group", emit) as at:
        at.outcome = wait.until(
            f"{name} to have {least} members that serve",
            lambda: _serving(scaling, name, least),
            seconds=STEADY_SECONDS,
            every=1.0,
        )
    load = Load(scaling.address(name), low)
    try:
        wait.until("requests to be answered", lambda: _answered(load), seconds=60, every=0.5)
        old = {answer.who for answer in load.answers()[-50:] if answer.who}
        if not old:
            raise BadInput(
                f"members of {name} do not identify themselves: they must serve a page that begins with hostname="
            )
        began, wall = time.monotonic(), time.time()
        load.rate = high
        largest, decision, first = least, None, None
        with step(f"{high:g} requests a second", emit) as at:
            while time.monotonic() - began < seconds:
                time.sleep(0.5)
                largest = max(largest, scaling.group(name).record.desired)
                decision = decision or _decided(scaling, name, wall)
                first = first or _first_new(load.answers(), old, began)
            at.outcome = f"{largest} members"
        if during is not None:
            with step("meanwhile", emit):
                during()
        load.rate = low
        after = largest
        if back:
            with step(f"{low:g} requests a second", emit) as at:
                at.outcome = wait.until(
                    f"{name} to have {least} members again",
                    lambda: _serving(scaling, name, least),
                    seconds=back,
                    every=2.0,
                )
                after = scaling.group(name).record.desired
    finally:
        answers = load.stop()
    wrong = [answer for answer in answers if answer.wrong]
    failures = tuple(f"{answer.at - began:+.1f} s: {answer.wrong}" for answer in wrong[:20])
    slowest = max((answer.took for answer in answers), default=0.0)
    return Report(
        group.title,
        low,
        high,
        least,
        largest,
        after,
        decision,
        first,
        len(answers),
        len(wrong),
        slowest,
        failures,
    )


def _serving(scaling: ScalingGroups, name: str, wanted: int) -> tuple[bool, str]:
    group = scaling.group(name)
    members = group.status.get("members", {})
    exactly = members.get("serving") == wanted == sum(n for phase, n in members.items() if phase != "warm")
    return group.record.desired == wanted and exactly, f"{group.record.desired} wanted, {members}"


def _answered(load: Load) -> tuple[bool, str]:
    last = load.answers()[-10:]
    return len(last) == 10 and not any(each.wrong for each in last), str(
        [each.wrong for each in last if each.wrong]
    )


def _decided(scaling: ScalingGroups, name: str, since: float) -> float | None:
    """When the history has the first decision "out" after the step; its times are this machine's, as is `since`."""
    for entry in scaling.history(name, 200):
        if entry["kind"] == "decision" and entry["action"] == "out" and entry["time"] >= since:
            return float(entry["time"]) - since
    return None


def _first_new(answers: Sequence[Answer], old: set[str], began: float) -> float | None:
    new = [answer.at + answer.took - began for answer in answers if answer.who and answer.who not in old]
    return min(new, default=None)
