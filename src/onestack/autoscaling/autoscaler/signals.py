"""Computes a group's signals from an observation of guests and load balancers. Missing data is omitted, not 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from onestack.autoscaling.decision.roster import MemberState
from onestack.autoscaling.metrics import METRICS
from onestack.autoscaling.observation import Signal
from onestack.autoscaling.policy import MeasuredPolicy
from onestack.autoscaling.reading import Record
from onestack.observe.observation import Observation

GUEST = {"cpu": "cpu", "memory": "memory", "network": "network", "disk": "disk"}
POOL = {
    "requests_per_second": "requests",
    "connections": "connections",
    "queue": "queue",
    "response_time": "response_time",
    "errors_per_second": "errors",
}


def signals(
    group: Record,
    serving: Sequence[MemberState],
    warming: Sequence[MemberState],
    observed: Observation,
    ask: Callable[[str], float | None],
) -> tuple[dict[str, Signal], list[str]]:
    """The value of each metric that the group's policies read, and what is missing. `ask`: runs a PromQL query."""
    found: dict[str, Signal] = {}
    problems: list[str] = []
    for policy in group.settings.policies:
        if not isinstance(policy, MeasuredPolicy) or policy.metric in found:
            continue
        metric = policy.metric
        signal: Signal | None = None
        if policy.query:
            try:
                value = ask(policy.query)
                signal = None if value is None else Signal(value)
            except Exception as error:
                problems.append(f"{metric}: {error}")
        elif metric in GUEST:
            signal = _of_guests(GUEST[metric], serving, warming, observed)
        elif metric in METRICS:
            signal = _of_pool(POOL[metric], group.pool, observed)
        if signal is not None:
            found[metric] = signal
    return found, problems


def _of_guests(
    field: str, serving: Sequence[MemberState], warming: Sequence[MemberState], observed: Observation
) -> Signal | None:
    """The sum over serving members; None unless it is known for all of them: a partial sum would cause scaling in."""
    known = _values(field, serving, observed)
    if len(known) < len(serving) or not known:
        return None
    return Signal(sum(known), sum(_values(field, warming, observed)))


def _values(field: str, members: Iterable[MemberState], observed: Observation) -> list[float]:
    rates = (observed.guests.get(member.id) for member in members)
    values: list[Any] = [getattr(each, field) for each in rates if each is not None]
    return [float(value) for value in values if value is not None]


def _of_pool(field: str, pool: str | None, observed: Observation) -> Signal | None:
    rates = observed.pools.get(pool or "")
    value = getattr(rates, field) if rates else None
    return None if value is None else Signal(float(value))
