"""The audit log: who changed what by the APIs, read from all control hosts and put in the order of time.

The services write it (`onestack_runtime.serving.audit`). A line that a full disk cut off is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from onestack.core import contract
from onestack.core.errors import BadInput
from onestack.core.paths import Paths
from onestack.health.logs import moment

_LOGS = "/var/log/"
SERVICES = "service"
"""The project of the services' own users."""
Event = Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Which events. `user`, `project`: an id or a name; None: all. `since`: an age (10m, 2h, 1d) or a moment in UTC.
    `services`: also what services ask of each other with users of their own."""

    user: str | None = None
    project: str | None = None
    since: str | None = None
    services: bool = False


def read(paths: Paths, wanted: Wanted) -> list[Event]:
    """The events of this host's log that are wanted, the oldest first. Raises BadInput for a wrong time."""
    start = _start(wanted.since)
    found = (each for file in _files(paths) for each in _events(file) if each["eventTime"] >= start)
    return ordered(each for each in found if _is_wanted(each, wanted))


def ordered(events: Iterable[Event]) -> list[Event]:
    """In the order in which they were written."""
    return sorted(events, key=lambda each: str(each["eventTime"]))


def _start(since: str | None) -> str:
    """A moment as events have it, so that texts can be compared; empty for none."""
    if since is None:
        return ""
    start = moment(since, datetime.now(UTC).replace(tzinfo=None))
    if start.tzinfo is not None:
        start = start.astimezone(UTC).replace(tzinfo=None)
    return start.strftime("%Y-%m-%dT%H:%M:%S.%f")


def _files(paths: Paths) -> list[Path]:
    """The log's files, the oldest first."""
    newest = paths.log / contract.AUDIT_LOG.removeprefix(_LOGS)
    older = [each for each in newest.parent.glob(f"{newest.name}.*") if each.suffix[1:].isdigit()]
    return [*sorted(older, key=lambda each: -int(each.suffix[1:])), newest]


def _events(file: Path) -> Iterator[Event]:
    # A file may have become an older one meanwhile: its events come from there, too, or were read already.
    with suppress(FileNotFoundError), file.open(errors="replace") as lines:
        for line in lines:
            with suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict) and {"eventTime", "initiator"} <= found.keys():
                    yield found


def _is_wanted(event: Event, wanted: Wanted) -> bool:
    who = event["initiator"]
    if not wanted.services and wanted.user is None and who.get("project_name") == SERVICES:
        return False
    if wanted.user is not None and wanted.user not in (who.get("id"), who.get("name")):
        return False
    return wanted.project is None or wanted.project in (who.get("project_id"), who.get("project_name"))


def require_any_log(paths: Paths) -> None:
    """Raise BadInput where no API of this host has been asked to change anything."""
    if not any(each.exists() for each in _files(paths)):
        raise BadInput(
            "this host has no audit log yet",
            where=str(_files(paths)[-1]),
            hint="services that this version of OneStack started write it: `onestack up` restarts older ones",
        )
