"""Selects the workers that a runner starts, according to its host's roles. A single host has all roles."""

from __future__ import annotations

import os
from collections.abc import Iterable

from onestack_runtime import contract
from onestack_runtime.serving.health import Environ, StartResponse


def chosen(every: Iterable[str]) -> frozenset[str]:
    """The workers that the variable WORKERS names; if it is not set, `every` worker of the project.

    Raises ValueError for an unknown name.
    """
    known = frozenset(every)
    text = os.environ.get(contract.WORKERS)
    if text is None:
        return known
    named = frozenset(text.split(","))
    if unknown := named - known:
        raise ValueError(
            f"{contract.WORKERS} names {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}"
        )
    return named


def is_all(every: Iterable[str]) -> bool:
    """Whether this process is all of its project: it has `every` worker, and no other host runs any."""
    return os.environ.get(contract.LAYOUT) != contract.CLUSTER and chosen(every) == frozenset(every)


def no_api(environ: Environ, start_response: StartResponse) -> list[bytes]:
    """The WSGI application of a process that runs workers only; the health check works beside it."""
    body = b"this host has no API of this service\n"
    start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
