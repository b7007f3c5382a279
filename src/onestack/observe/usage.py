"""What tenants used in a month, by the services' own records in their databases.

Nova, Cinder and Glance keep the records of what was deleted; of floating IPs and load balancers there is nothing left
then. What was resized counts with its present size, as in Nova's own usage reports.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from onestack.core.errors import BadInput
from onestack.observe.resources import database
from onestack.platform.site import Site

SECONDS = 60.0
"""The timeout of the queries."""
UNITS = (
    "server_hours",
    "vcpu_hours",
    "memory_gib_hours",
    "disk_gib_hours",
    "volume_gib_hours",
    "image_gib_hours",
    "floating_ip_hours",
    "balancer_hours",
)
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_HOUR = 3600.0


@dataclass(frozen=True)
class Record:
    """Something that a project had. `amounts`: by unit, of each hour. `begin`, `end`: Unix time; None if it is
    there."""

    project: str
    amounts: Mapping[str, float]
    begin: float
    end: float | None


@dataclass(frozen=True)
class Period:
    """`begin` and `end`: Unix time."""

    name: str
    begin: float
    end: float

    def hours(self, record: Record, now: float) -> float:
        """For how long of the period a record's thing was there until now."""
        end = now if record.end is None else min(record.end, now)
        return max(0.0, min(end, self.end) - max(record.begin, self.begin)) / _HOUR


@dataclass
class Usage:
    """What a project used. `name`: empty for one that was deleted."""

    project: str
    name: str
    used: dict[str, float] = field(default_factory=lambda: dict.fromkeys(UNITS, 0.0))

    def as_dict(self) -> dict[str, object]:
        """For JSON and CSV, rounded to a thousandth."""
        rounded = {unit: round(value, 3) for unit, value in self.used.items()}
        return {"project": self.project, "name": self.name, **rounded}


def month(text: str | None) -> Period:
    """A month as YYYY-MM, in UTC; the present one if None. Raises BadInput."""
    text = datetime.now(UTC).strftime("%Y-%m") if text is None else text
    if (found := _MONTH.fullmatch(text)) is None:
        raise BadInput(f"'{text}' is not a month", hint="YYYY-MM, for instance 2026-11")
    year, number = int(found[1]), int(found[2])
    if year < 1970:
        raise BadInput(f"there was no cloud in {text}", hint="YYYY-MM, for instance 2026-11")
    after = (year, number + 1) if number < 12 else (year + 1, 1)
    begin, end = (datetime(*each, 1, tzinfo=UTC).timestamp() for each in ((year, number), after))
    return Period(text, begin, end)


def totals(records: Iterable[Record], names: Mapping[str, str], period: Period, now: float) -> list[Usage]:
    """What each project used in a period, those with names first. Pure. `names`: of projects, by id."""
    found: dict[str, Usage] = {}
    for record in records:
        if hours := period.hours(record, now):
            of = found.setdefault(record.project, Usage(record.project, names.get(record.project, "")))
            for unit, amount in record.amounts.items():
                of.used[unit] += amount * hours
    return sorted(found.values(), key=lambda each: (not each.name, each.name, each.project))


def _moment(column: str) -> str:
    return f"TIMESTAMPDIFF(SECOND, '1970-01-01', {column})"


def _query(units: str, amounts: str, source: str, project: str, begin: str, end: str) -> str:
    """SQL whose rows are the names of units and a JSON array: project, begin, end, amounts."""
    return (
        f"SELECT '{units}', JSON_ARRAY({project}, {_moment(begin)}, {_moment(end) if end else 'NULL'}, {amounts})"
        f" FROM {source};\n"
    )


_SERVER = "server_hours vcpu_hours memory_gib_hours disk_gib_hours"
# Those that were never on a host, of which there are also some in cell 0, have no launched_at.
QUERIES = {
    "compute": _query(
        _SERVER,
        "1, vcpus, memory_mb / 1024, root_gb + ephemeral_gb",
        "nova.instances WHERE launched_at IS NOT NULL",
        "project_id",
        "launched_at",
        "COALESCE(terminated_at, deleted_at)",
    ),
    "block-storage": _query(
        "volume_gib_hours", "size", "cinder.volumes", "project_id", "created_at", "deleted_at"
    ),
    "image": _query(
        "image_gib_hours",
        "size / 1073741824",
        "glance.images WHERE size IS NOT NULL",
        "owner",
        "created_at",
        "deleted_at",
    ),
    "network": _query(
        "floating_ip_hours",
        "1",
        "neutron.floatingips AS f JOIN neutron.standardattributes AS a ON a.id = f.standard_attr_id",
        "f.project_id",
        "a.created_at",
        "",
    ),
    "load-balancer": _query(
        "balancer_hours",
        "1",
        "octavia.load_balancer WHERE provisioning_status <> 'DELETED'",
        "project_id",
        "created_at",
        "",
    ),
    "identity": "SELECT 'name', JSON_ARRAY(id, name) FROM keystone.project;\n",
}
"""By service."""


def parse(output: str) -> tuple[list[Record], dict[str, str]]:
    """The records, and the names of projects, from the output of QUERIES."""
    records, names = [], {}
    for units, values in database.rows(output):
        if units == "name":
            project, name = values
            names[project] = name
            continue
        project, begin, end, *amounts = values
        if project and begin is not None:
            given = {unit: float(each or 0) for unit, each in zip(units.split(), amounts, strict=True)}
            records.append(Record(project, given, float(begin), None if end is None else float(end)))
    return records, names


def report(site: Site, period: Period) -> list[Usage]:
    """What each project used in a period. Raises CommandFailed where MariaDB does not answer."""
    sql = "".join(query for name, query in QUERIES.items() if name in site.view.cloud.services)
    return totals(*parse(database.ask(site, sql, SECONDS)), period, time.time())
