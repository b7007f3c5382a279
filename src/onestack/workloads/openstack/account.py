"""An account on some OpenStack cloud, by its entry in clouds.yaml: its projects, its rights, the cloud's services."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from keystoneauth1 import exceptions as auth_errors
from openstack import exceptions as sdk_errors
from openstack.config import OpenStackConfig
from openstack.connection import Connection
from openstack.utils import maximum_supported_microversion
from os_service_types import ServiceTypes

from onestack.core.errors import BadInput, PermanentError
from onestack.workloads.kind.faults import Fault
from onestack.workloads.openstack.rest import MICROVERSIONS, Access, Rest, adapter

OLDEST = {"compute": "2.64", "block-storage": "3.0"}
"""The oldest microversions with which the kinds work: since 2.64 (Rocky) a server group has one policy."""
_OF_ALL_PROJECTS = ("all_tenants", "all_projects")
"""Parameters that only administrators may use: others list their own project in any case."""


@dataclass(frozen=True)
class Project:
    """A project in which the account can work."""

    id: str
    name: str


class Account:
    """An account. `connect`: a new connection, with keystoneauth's options for another user or project."""

    def __init__(self, name: str, connect: Callable[..., Connection]) -> None:
        self.name = name
        self.connect = connect

    @classmethod
    def named(cls, name: str) -> Account:
        """The entry of clouds.yaml with this name, found as OpenStack's clients find it. Raises BadInput."""
        try:
            config = OpenStackConfig()
            names = config.get_cloud_names()
        except sdk_errors.ConfigException as error:
            raise BadInput(f"clouds.yaml cannot be read: {error}") from error
        if name not in names:
            known = ", ".join(sorted(each for each in names if each)) or "none"
            raise BadInput(
                f"there is no cloud '{name}' in clouds.yaml",
                where=config.config_filename or "clouds.yaml",
                hint=f"the clouds are: {known}; OS_CLIENT_CONFIG_FILE names another file",
            )

        def connect(**auth: Any) -> Connection:
            try:
                more: Any = {"auth": auth} if auth else {}
                return Connection(config=config.get_one(cloud=name, **more))
            except (sdk_errors.ConfigException, auth_errors.ClientException) as error:
                raise BadInput(
                    f"the entry '{name}' of clouds.yaml is wrong: {error}", where=config.config_filename
                ) from error

        return cls(name, connect)

    @cached_property
    def connection(self) -> Connection:
        """The connection to the project of the credentials, authenticated. Raises BadInput, PermanentError."""
        connection = self.connect()
        self.authorize(connection)
        return connection

    def authorize(self, connection: Connection) -> None:
        """Authenticate. Raises BadInput if the credentials are refused, PermanentError if there is no answer."""
        try:
            connection.session.get_token()
        except (auth_errors.Unauthorized, auth_errors.NotFound, auth_errors.BadRequest) as error:
            raise BadInput(
                f"the cloud '{self.name}' refuses the credentials: {error}",
                where="identity",
                hint=f"`openstack --os-cloud {self.name} token issue` must succeed",
            ) from error
        except auth_errors.ClientException as error:
            raise PermanentError(
                f"the cloud '{self.name}' cannot be reached: {error}", where="identity"
            ) from error

    @cached_property
    def _access(self) -> Any:
        session: Any = self.connection.session
        return session.auth.get_access(session)

    @property
    def project(self) -> Project:
        """The project of the credentials. Raises BadInput if they are of no project."""
        access = self._access
        if not access.project_id:
            raise BadInput(
                f"the credentials of '{self.name}' are of no project",
                where="clouds.yaml",
                hint="set project_name (and project_domain_name) in its section `auth`",
            )
        return Project(access.project_id, access.project_name)

    @property
    def user(self) -> str:
        """The id of its user."""
        return str(self._access.user_id)

    @cached_property
    def is_administrator(self) -> bool:
        """Whether it may see and change all projects."""
        if "admin" not in self._access.role_names:
            return False
        try:
            Rest(self.connection, "identity").get("/projects", limit="1")
        except Fault as fault:
            if fault.status in (401, 403, 404):
                return False
            raise
        return True

    @cached_property
    def projects(self) -> list[Project]:
        """The projects in which it has a role."""
        listed = Rest(self.connection, "identity").all("/auth/projects", "projects")
        return [Project(raw["id"], raw["name"]) for raw in listed]

    @cached_property
    def services(self) -> frozenset[str]:
        """The types of the cloud's services, by the catalogue."""
        config, types = self.connection.config, ServiceTypes()
        found = set()
        for entry in self._access.service_catalog.catalog:
            regions = {each.get("region_id") or each.get("region") for each in entry["endpoints"]}
            if regions and (not config.region_name or config.region_name in regions):
                found.add(types.get_service_type(entry["type"]) or entry["type"])
        return frozenset(found)


class AccountAccess(Access):
    """All services with an account's rights, in any of its projects, with microversions that the cloud has."""

    def __init__(self, account: Account) -> None:
        super().__init__(self._connection)
        self._account = account
        self._versions: dict[str, str | None] = {}

    def rest(self, service: str, project: str | None = None) -> Rest:
        """A service's API. `project`: an id, by default that of the credentials."""
        mine = project is None or project == self._account.project.id
        return super().rest(service, None if mine else project)

    def _connection(
        self, project: str | None = None, user: str | None = None, password: str | None = None
    ) -> Connection:
        if project is None:
            return self._account.connection
        who = {"user_id": user, "password": password} if user else {}
        return self._account.connect(project_id=project, **who)

    def _entered(self, project: str | None) -> Connection:
        if project is None or self._account.is_administrator:
            return super()._entered(project)
        connection = self._connection(project)
        self._account.authorize(connection)
        return connection

    def _rest(self, connection: Connection, service: str) -> Rest:
        if service not in self._versions:
            self._versions[service] = self._version(connection, service)
        kind = Rest if self._account.is_administrator else _OrdinaryRest
        return kind(connection, service, self._versions[service])

    def _version(self, connection: Connection, service: str) -> str | None:
        """The microversion to use. Raises BadInput if the cloud is too old."""
        if service not in MICROVERSIONS:
            return None
        found = maximum_supported_microversion(adapter(connection, service), MICROVERSIONS[service])
        if found is None or _number(found) < _number(OLDEST[service]):
            raise BadInput(
                f"the {service} service of '{self._account.name}' is too old: it has the microversion"
                f" {found or 'none'}, and {OLDEST[service]} is the oldest that works"
            )
        return found


class _OrdinaryRest(Rest):
    """A service's API for an account that is no administrator."""

    def get(self, path: str, **params: Any) -> Any:
        kept = {key: value for key, value in params.items() if key not in _OF_ALL_PROJECTS}
        return super().get(path, **kept)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
