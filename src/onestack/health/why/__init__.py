"""Explains failures: the `collect_…` modules collect observations, and pure functions diagnose them.

A kind of subject is an observation (`observations`; `model` for servers), a module that collects it and a module that
diagnoses it, and an entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from openstack.connection import Connection

from onestack.core.errors import BadInput, OneStackError
from onestack.health.why import (
    balancer,
    collect_balancer,
    collect_port,
    collect_server,
    collect_volume,
    port,
    volume,
)
from onestack.health.why.collect_server import sentence
from onestack.health.why.model import Diagnosis, HostReason, Part, ServerObservation
from onestack.health.why.server import diagnose
from onestack.health.why.source import Source
from onestack.platform.site import Site

_Explain = Callable[[Source, str, str | None], Diagnosis]

KINDS: Final[Mapping[str, tuple[str, _Explain]]] = {
    "server": (
        "compute",
        lambda source, word, project: collect_server.explain(source.admin, source.logs, word, project),
    ),
    "volume": ("block-storage", lambda *given: volume.diagnose(collect_volume.observe(*given))),
    "port": ("network", lambda *given: port.diagnose(collect_port.observe(*given))),
    "balancer": ("load-balancer", lambda *given: balancer.diagnose(collect_balancer.observe(*given))),
}
"""What can be explained: the service that has it, and how."""


def explain(
    site: Site, admin: Connection, kind: str, word: str, project: str | None = None, server: str | None = None
) -> Diagnosis:
    """Find a subject by name or id, collect and diagnose. Call it in the cloud's network namespace.

    `server`: the one that a volume is to be attached to. Raises BadInput where there is none, several, or no such
    service; OneStackError.
    """
    service, how = KINDS[kind]
    if service not in site.view.cloud.services:
        raise BadInput(f"this cloud does not run {service}", hint="platform.services in the spec")
    source = Source(site, admin)
    if server is not None:
        return volume.diagnose(collect_volume.observe(source, word, project, server))
    return how(source, word, project)


def verdict(site: Site, admin: Connection, kind: str, ident: str) -> str:
    """The verdict on a subject, by its id, for a report of a failure; empty if nothing is wrong with it, or if it
    cannot be determined."""
    try:
        found = explain(site, admin, kind, ident)
    except (OneStackError, OSError, KeyError, ValueError):
        return ""  # an error here must not hide the failure that is being reported
    return "" if found.ok else found.verdict


__all__ = [
    "KINDS",
    "Diagnosis",
    "HostReason",
    "Part",
    "ServerObservation",
    "diagnose",
    "explain",
    "sentence",
    "verdict",
]
