"""Checks the queries in a spec's scaling policies with the cloud's Prometheus, before anything is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from onestack.autoscaling.policy import MeasuredPolicy
from onestack.core.errors import Place, TemporaryError
from onestack.core.events import Emit, Event
from onestack.observe.prometheus import QueryRefused
from onestack.spec import Diagnostic, Spec


def queries(spec: Spec) -> Iterator[tuple[str, Place]]:
    """All queries, with their places in the spec."""
    for i, tenant in enumerate(spec.tenants):
        for j, group in enumerate(tenant.scaling_groups):
            for k, policy in enumerate(group.policies):
                if isinstance(policy, MeasuredPolicy) and policy.query is not None:
                    steps = ("tenants", i, "scaling_groups", j, "policies", k, "query")
                    yield policy.query, spec.place_of(*steps)


def wrong(spec: Spec, check: Callable[[str], None] | None, emit: Emit) -> list[Diagnostic]:
    """The errors in the queries. `check`: checks one with the cloud's Prometheus, None if there is none.

    A Prometheus that does not answer is noted, and is not an error.
    """
    found = []
    for query, place in queries(spec):
        if check is None:
            summary = f"the query '{query}' cannot be answered: this cloud runs no Prometheus"
            hint = "`onestack up` with this spec starts one"
            found.append(Diagnostic("error", summary, place=place, hint=hint))
            continue
        try:
            check(query)
        except QueryRefused as error:
            found.append(Diagnostic("error", error.summary, place=place, hint=error.hint or ""))
        except TemporaryError as error:
            emit(Event("queries", "noted", f"'{query}' could not be tried: {error.summary}"))
    return found
