"""An account that is no administrator, on the HTTP server of tests/kinds."""

from __future__ import annotations

from typing import Any

from openstack.connection import Connection

from kinds.api import Api
from onestack.workloads.openstack.account import Account, Project

MINE = Project("p-mine", "mine")
FORBIDDEN = ("/projects", "/users", "/groups", "/roles", "/role_assignments", "/domains", "/os-aggregates")


class Ordinary(Account):
    """In the project `mine`; of Keystone it may read no list."""

    def __init__(self, connection: Connection, *projects: Project) -> None:
        super().__init__("other", lambda **who: connection)
        self.__dict__ |= {
            "connection": connection,
            "is_administrator": False,
            "projects": [MINE, *projects],
            "services": frozenset({"identity", "network"}),
        }

    @property
    def project(self) -> Project:
        return MINE

    @property
    def user(self) -> str:
        return "u-me"

    def authorize(self, connection: Connection) -> None:
        return None


class Strict(Api):
    """Its lists of Keystone are for administrators. `missing`: collections that it does not have."""

    def __init__(self, *missing: str) -> None:
        super().__init__()
        self.missing = missing
        self.things |= {"/networks": [public()], "/security-groups": [], "/quotas": []}

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if path in FORBIDDEN:
            return 403, {"error": {"message": f"you may not {method} {path}"}}
        if path in self.missing:
            return 404, {"error": {"message": "The resource could not be found."}}
        if path.endswith("/details"):
            return self._details(path)
        if path.endswith("/default"):
            return 200, {"quota": {"network": 2}}
        return super().answer(method, path, query, body)

    def _details(self, path: str) -> tuple[int, Any]:
        used = len([one for one in self.things["/networks"] if one.get("project_id") == MINE.id])
        return 200, {"quota": {"network": {"limit": 2, "used": used, "reserved": 0}}}


def public() -> dict[str, Any]:
    """The cloud's external network, which is another project's."""
    return {
        "id": "n-public",
        "name": "ext-net",
        "description": "",
        "project_id": "p-infra",
        "router:external": True,
        "shared": False,
        "admin_state_up": True,
        "mtu": 1500,
        "port_security_enabled": True,
    }
