"""What each host has, has given away and has left, from Placement's records; also while the APIs are down."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from onestack.capacity import RESOURCES, Inventory
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


def now(site: Site) -> list[Resource]:
    """The resources of all hosts that run guests. Raises PermanentError where MariaDB does not answer."""
    if "placement" not in site.view.cloud.services:
        return []
    try:
        return parse(database.ask(site, _QUERY, SECONDS))
    except PermanentError as error:
        raise PermanentError(
            "MariaDB does not answer, which has the records of what is given away",
            detail=error.detail or error.summary,
            where=str(site.leader.log("mariadb")),
            hint="`onestack status` shows whether it runs",
        ) from error


def parse(output: str) -> list[Resource]:
    """The rows of the query's output."""
    found = []
    for host, (resource, total, reserved, ratio, used) in database.rows(output):
        given = Inventory(int(total), int(reserved), float(ratio))
        found.append(Resource(host, str(resource), given.capacity, int(used)))
    return found
