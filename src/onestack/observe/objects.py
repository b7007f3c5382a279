"""Servers, volumes, ports and load balancers, and the workers that serve them, as the services' databases list them.

One query each: it is answered while the APIs are down, and by a process that has no client of OpenStack's in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from onestack.core.errors import BadInput
from onestack.observe.resources import database, nova, others
from onestack.observe.resources.metric import Group
from onestack.platform.site import Site

SECONDS = 6.0
"""The timeout of a query."""


@dataclass(frozen=True)
class Object:
    """`host`: of a server; empty for others."""

    id: str
    name: str
    status: str
    host: str = ""


@dataclass(frozen=True)
class Worker:
    """A process that takes part in a service. `alive`: whether it reports."""

    kind: str
    host: str
    alive: bool
    enabled: bool
    reason: str


@dataclass(frozen=True)
class _Kind:
    """`columns`: id, name, status and host, of `table`. `order`: what changed last first."""

    service: str
    columns: str
    table: str
    order: str


_LAST = "COALESCE({0}.updated_at, {0}.created_at) DESC"
KINDS: Mapping[str, _Kind] = {
    "server": _Kind(
        "compute",
        f"s.uuid, s.display_name, {nova.STATUS}, COALESCE(s.host, '')",
        "(SELECT uuid, display_name, host, vm_state, task_state, updated_at, created_at FROM nova.instances"
        " WHERE deleted = 0 UNION ALL SELECT uuid, display_name, host, vm_state, task_state, updated_at, created_at"
        " FROM nova_cell0.instances WHERE deleted = 0) AS s",
        _LAST.format("s"),
    ),
    "volume": _Kind(
        "block-storage",
        "v.id, COALESCE(v.display_name, ''), v.status, ''",
        "cinder.volumes AS v WHERE v.deleted = 0",
        _LAST.format("v"),
    ),
    "port": _Kind(
        "network",
        "p.id, COALESCE(p.name, ''), p.status, ''",
        "neutron.ports AS p LEFT JOIN neutron.standardattributes AS a ON a.id = p.standard_attr_id",
        _LAST.format("a"),
    ),
    "balancer": _Kind(
        "load-balancer",
        "b.id, COALESCE(b.name, ''), b.operating_status, ''",
        "octavia.load_balancer AS b WHERE b.provisioning_status <> 'DELETED'",
        _LAST.format("b"),
    ),
}


def require_known(kind: str) -> None:
    """Raises BadInput for what is no kind."""
    if kind not in KINDS:
        raise BadInput(f"'{kind}' cannot be explained", hint=f"one of {', '.join(KINDS)}")


def last(site: Site, kind: str, most: int) -> list[Object]:
    """The objects of a kind that changed last, `most` at most. Raises BadInput, CommandFailed."""
    require_known(kind)
    found = KINDS[kind]
    if found.service not in site.view.cloud.services:
        raise BadInput(f"this cloud does not run {found.service}", hint="platform.services in the spec")
    sql = f"SELECT '{kind}', JSON_ARRAY({found.columns}) FROM {found.table} ORDER BY {found.order} LIMIT {most:d};\n"
    rows = database.rows(database.ask(site, sql, SECONDS))
    return [
        Object(str(ident), str(name or ident), str(status or ""), str(host))
        for _, (ident, name, status, host) in rows
    ]


def workers(site: Site) -> list[Worker]:
    """Nova's and Cinder's workers. OVN's agents have no rows; they are processes of their hosts. Raises
    CommandFailed."""
    wanted = [each for each in (nova.GROUP, others.CINDER) if each.service in site.view.cloud.services]
    found = []
    for group in wanted:
        labels, sql = _agents(group)
        for _, values in database.rows(database.ask(site, sql, SECONDS)):
            row = dict(zip((*labels, "value"), values, strict=True))
            found.append(
                Worker(
                    str(row["service"]),
                    str(row["hostname"]),
                    bool(row["value"]),
                    row["adminState"] == "enabled",
                    str(row["disabledReason"] or ""),
                )
            )
    return found


def _agents(group: Group) -> tuple[tuple[str, ...], str]:
    """The labels and the query of a service's metric of its agents."""
    metric = next(each for each in group.metrics if each.name == "agent_state")
    return metric.labels, metric.query()
