"""What an operator asks about the security of a cloud, and does for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from onestack.core.errors import OneStackError
from onestack.core.paths import Paths
from onestack.health.securing import audit
from onestack.health.securing.audit import Event, Wanted
from onestack.platform.hosts import cluster

_EVENTS: TypeAdapter[Iterable[Event]] = TypeAdapter(list[dict[str, Any]])


class Securing:
    """The security of the cloud under `paths`."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def audit(self, wanted: Wanted) -> tuple[Sequence[Event], dict[str, str]]:
        """The events of its audit log that are wanted, the oldest first; and why a host's could not be read, by host.

        Raises BadInput for a wrong time, and where there is no log yet.
        """
        found = audit.read(self._paths, wanted)
        if cluster.led_from_here(self._paths) is None:
            if not found:
                audit.require_any_log(self._paths)
            return found, {}
        with cluster.reachable(self._paths) as (others, failed):
            missing = {name: str(why) for name, why in failed.items()}
            for each in others:
                if not each.same_version:
                    missing[each.name] = "it has another version of OneStack, which `onestack up` renews"
                    continue
                try:
                    found += each.ask("audit", asdict(wanted), _EVENTS)
                except OneStackError as error:
                    missing[each.name] = error.summary
        return audit.ordered(found), missing
