"""What explanations are read from: OpenStack's APIs, OVN's southbound database, the cloud's processes and logs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from openstack.connection import Connection

from onestack.core.errors import OneStackError
from onestack.health.process_status import process_statuses
from onestack.health.why.observations import Claim
from onestack.platform.infrastructure.ovn_databases import SOUTH_CTL
from onestack.platform.services import volumes
from onestack.platform.site import Site
from onestack.workloads.openstack.rest import Rest


@dataclass(frozen=True)
class Source:
    """A cloud and the administrator's connection to it."""

    site: Site
    admin: Connection

    @property
    def logs(self) -> Path:
        """The folder of the logs of this host."""
        return self.site.paths.log

    def rest(self, service: str) -> Rest:
        """A service's API."""
        return Rest(self.admin, service)

    @cached_property
    def servers(self) -> dict[str, Mapping[str, Any]]:
        """All servers, by id."""
        found = self.rest("compute").all("/servers/detail", "servers", all_tenants="1")
        return {each["id"]: each for each in found}

    def claim(self, port: str) -> Claim | None:
        """What OVN's southbound database says of a port; None if nothing, or if it cannot be read."""
        try:
            rows = self._south("Port_Binding", "chassis,up", f"logical_port={port}")
            if not rows:
                return None
            chassis, up = rows[0]
            name = self._south("Chassis", "hostname", f"_uuid={chassis}") if chassis else []
        except (OneStackError, OSError, ValueError):
            return None
        return Claim(str(name[0][0]) if name else "", up is True)

    def stored_on(self, place: str) -> str:
        """The only host whose servers can use a volume of a backend (host@backend#pool); empty if all can."""
        view = self.site.view
        if not view.peers or view.cloud.fake_hosts:
            return ""
        backend = place.partition("@")[2].partition("#")[0]
        return volumes.hosts(view).get(backend, "")

    def not_running(self, process: str) -> dict[str, str]:
        """The process with its state, if it does not run or does not answer."""
        found = [each for each in process_statuses(self.site) if each.name == process]
        return {each.name: each.seen or each.state.lower() for each in found if not each.answers}

    def _south(self, table: str, columns: str, condition: str) -> list[list[Any]]:
        words = (*SOUTH_CTL, "--format=json", f"--columns={columns}", "find", table, condition)
        return rows(self.site.leader.inside(words))


def rows(text: str) -> list[list[Any]]:
    """The rows of an answer in OVSDB's JSON, where a value may be `["uuid", ID]` and a missing one is `["set", []]`.

    Of a set the first value is taken.
    """

    def plain(value: Any) -> Any:
        match value:
            case ["uuid" | "named-uuid", ident]:
                return ident
            case ["set", values]:
                return plain(values[0]) if values else None
        return value

    return [[plain(value) for value in row] for row in json.loads(text)["data"]]


def age(*moments: str | None) -> float:
    """Seconds since the first moment that is given, in the format of OpenStack's APIs (UTC)."""
    text = next((each for each in moments if each), None)
    if text is None:
        return 0.0
    then = datetime.fromisoformat(text)
    return max(0.0, (datetime.now(UTC) - (then if then.tzinfo else then.replace(tzinfo=UTC))).total_seconds())
