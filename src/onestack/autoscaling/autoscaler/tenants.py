"""Access to tenants' projects with least privilege: an application credential for each project that has a group.

The administrator's credential is used only to find the groups, and to give the user `onestack-scaler` its roles in a
project once. The password for that is generated each time and stored nowhere.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from onestack.autoscaling import reading, record
from onestack.autoscaling.reading import Record
from onestack.host.files import replace_private
from onestack.platform import connect
from onestack.platform.site import Site
from onestack.workloads.kind.faults import Fault
from onestack.workloads.openstack.rest import Rest

USER = "onestack-scaler"
ROLES = ("member", "load-balancer_member")
"""The roles it gets in a tenant's project, as far as the cloud has them."""


class Tenants:
    """Connections to the projects of groups. Used in the cloud's network namespace."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._folder = site.paths.etc / "scaling"
        self._admin: Any = None
        self._connections: dict[str, Any] = {}

    def admin(self, service: str) -> Rest:
        if self._admin is None:
            self._admin = connect.connection(self._site)
        return Rest(self._admin, service)

    def records(self) -> tuple[list[Record], list[str]]:
        """All groups of the cloud, and the errors of those that cannot be read."""
        listed = self.admin("image").all(
            "/images", "images", os_hidden="true", **{record.KIND: record.SCALING_GROUP}
        )
        found, wrong = [], []
        for raw in listed:
            if raw.get(record.KIND) != record.SCALING_GROUP:
                continue
            try:
                found.append(reading.read(raw))
            except ValueError as error:
                wrong.append(str(error))
        return found, wrong

    def rest(self, project: str, service: str) -> Rest:
        """A service, as a member of the project. Raises the errors of `onestack.workloads.kind.faults`."""
        if project not in self._connections:
            file = self._file(project)
            kept = json.loads(file.read_text()) if file.exists() else self._assign_roles(project)
            self._connections[project] = connect.with_credential(self._site, kept["id"], kept["secret"])
        return Rest(self._connections[project], service)

    def renew(self, project: str) -> None:
        """Drop a credential that Keystone no longer accepts: the next call creates another."""
        self._connections.pop(project, None)
        self._file(project).unlink(missing_ok=True)

    def forget(self, projects: Iterable[str]) -> None:
        """Revoke the credentials of all projects but these."""
        kept = set(projects)
        for file in self._folder.glob("*.json") if self._folder.exists() else ():
            if file.stem not in kept:
                self._revoke(file)

    def _file(self, project: str) -> Path:
        return self._folder / f"{project}.json"

    def _assign_roles(self, project: str) -> dict[str, str]:
        identity = self.admin("identity")
        password = secrets.token_urlsafe(32)
        user = self._user(password)
        roles = [each for each in identity.all("/roles", "roles") if each["name"] in ROLES]
        for role in roles:
            identity.put(f"/projects/{project}/users/{user}/roles/{role['id']}")
        own = Rest(
            connect.connection(self._site, user_id=user, password=password, project_id=project), "identity"
        )
        name, path = f"scaling {project}", f"/users/{user}/application_credentials"
        for credential in own.all(path, "application_credentials"):
            if credential["name"] == name:
                own.delete(f"{path}/{credential['id']}")
        body = {"name": name, "roles": [{"id": role["id"]} for role in roles], "unrestricted": False}
        made = own.post(path, {"application_credential": body})["application_credential"]
        kept = {"id": made["id"], "secret": made["secret"], "user": user}
        self._folder.mkdir(mode=0o700, exist_ok=True)
        replace_private(self._file(project), json.dumps(kept))
        return kept

    def _user(self, password: str) -> str:
        identity = self.admin("identity")
        users = identity.all("/users", "users", name=USER, domain_id="default")
        if users:
            identity.patch(f"/users/{users[0]['id']}", {"user": {"password": password}})
            return str(users[0]["id"])
        user = {
            "name": USER,
            "domain_id": "default",
            "password": password,
            "description": "starts and removes the members of scaling groups",
        }
        return str(identity.post("/users", {"user": user})["user"]["id"])

    def _revoke(self, file: Path) -> None:
        kept = json.loads(file.read_text())
        self._connections.pop(file.stem, None)
        identity = self.admin("identity")
        try:
            identity.delete(f"/users/{kept['user']}/application_credentials/{kept['id']}")
            for role in identity.all("/roles", "roles"):
                if role["name"] in ROLES:
                    identity.delete(f"/projects/{file.stem}/users/{kept['user']}/roles/{role['id']}")
        except Fault as fault:
            # The project may have been deleted with all its resources.
            if fault.status not in (403, 404):
                raise
        file.unlink(missing_ok=True)
