"""What each host has, has given away and has left, and how many servers tenants have.

From the databases of Placement and Nova: one query, which is answered while the APIs are down, too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from onestack.capacity import RESOURCES, Inventory
from onestack.capacity.classic import Classic
from onestack.core.errors import PermanentError
from onestack.observe.resources import database
from onestack.platform.site import Site

SECONDS = 6.0
"""The timeout of the query."""
_QUERY = f"""\
SELECT p.name, JSON_ARRAY(c.name, i.total, i.reserved, i.allocation_ratio,
       COALESCE((SELECT SUM(a.used) FROM placement.allocations AS a
                 WHERE a.resource_provider_id = p.id AND a.resource_class_id = c.id), 0))
FROM placement.inventories AS i JOIN placement.resource_providers AS p ON p.id = i.resource_provider_id
JOIN placement.resource_classes AS c ON c.id = i.resource_class_id
WHERE c.name IN ({", ".join(f"'{each}'" for each in RESOURCES)}) ORDER BY p.name;
"""
_TENANTS = "tenants"
_SERVERS = f"""\
SELECT '{_TENANTS}', JSON_ARRAY(COALESCE(p.name, i.project_id), COUNT(*)) FROM nova.instances AS i
LEFT JOIN keystone.project AS p ON p.id = i.project_id WHERE i.deleted = 0 GROUP BY i.project_id;
"""


@dataclass(frozen=True)
class Resource:
    """A resource of a host (Placement's name; MiB, GiB). `room`: what may be given away in all, by Placement's
    formula."""

    host: str
    resource: str
    room: int
    used: int

    @property
    def free(self) -> int:
        """What is left."""
        return max(0, self.room - self.used)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "free": self.free}


@dataclass(frozen=True)
class Capacity:
    """`resources`: of all hosts that run guests. `figures`: those of a first sizing, with the servers that exist."""

    resources: list[Resource]
    figures: Classic

    def as_dict(self) -> dict[str, Any]:
        resources = [each.as_dict() for each in self.resources]
        return {"resources": resources, "figures": self.figures.as_dict()}


def now(site: Site) -> Capacity:
    """The capacity now. Raises PermanentError where MariaDB does not answer."""
    redundancy = site.spec.availability.redundancy
    if "compute" not in site.view.cloud.services:
        return parse("", redundancy)
    try:
        return parse(database.ask(site, _QUERY + _SERVERS, SECONDS), redundancy)
    except PermanentError as error:
        raise PermanentError(
            "MariaDB does not answer, which has the records of what is given away",
            detail=error.detail or error.summary,
            where=str(site.leader.log("mariadb")),
            hint="`onestack status` shows whether it runs",
        ) from error


def parse(output: str, redundancy: int = 1) -> Capacity:
    """The rows of the queries' output. `redundancy`: servers that can stand in for each other."""
    found, tenants = [], {}
    for name, values in database.rows(output):
        if name == _TENANTS:
            tenants[str(values[0])] = int(values[1])
            continue
        resource, total, reserved, ratio, used = values
        given = Inventory(int(total), int(reserved), float(ratio))
        found.append(Resource(name, str(resource), given.capacity, int(used)))
    return Capacity(found, Classic(tenants, len({each.host for each in found}), redundancy))
