"""The Keystone domain of a test suite: it contains the suite's projects and users, so that they are removed
together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from openstack.connection import Connection
from openstack.identity.v3.domain import Domain
from openstack.identity.v3.project import Project

from onestack.core.errors import PermanentError
from onestack.health.verify.sdk import identity
from onestack.health.verify.suites.suite import Stage

DESCRIPTION = "Made by `onestack verify --suite`; removed by its next run"


@dataclass(frozen=True)
class Login:
    """A user and the project that the user logs in to; without a project, to the system."""

    user: str
    project: str | None = None


@dataclass(frozen=True)
class Grant:
    """A role of a user in a project of the domain; without a project, in the system."""

    user: str
    role: str
    project: str | None


def name(suite: str) -> str:
    """The name of a suite's domain."""
    return f"onestack-suite-{suite}"


def entry(stage: Stage, login: Login) -> dict[str, Any]:
    """The entry of a clouds.yaml for a login."""
    domain = name(stage.place.suite)
    scope = (
        {"project_name": login.project, "project_domain_name": domain}
        if login.project
        else {"system_scope": "all"}
    )
    who = {"username": login.user, "password": stage.password, "user_domain_name": domain}
    config = stage.admin.config
    return {
        "auth": {"auth_url": str(config.get_auth_args()["auth_url"]), **who, **scope},
        "region_name": str(config.get_region_name() or "RegionOne"),
        "interface": "public",
        "identity_api_version": "3",
        **({"cacert": stage.ca_file} if stage.ca_file else {}),
    }


def make(stage: Stage, grants: Iterable[Grant]) -> Mapping[str, Project]:
    """Create the domain with all projects and users of the grants; returns the projects by name."""
    keystone = identity(stage.admin)
    domain = keystone.create_domain(name=name(stage.place.suite), description=DESCRIPTION)
    roles = {role.name: role for role in keystone.roles()}
    projects: dict[str, Project] = {}
    users: dict[str, Any] = {}
    for grant in grants:
        if grant.role not in roles:
            raise PermanentError(
                f"there is no role `{grant.role}`", hint="run `onestack up`, which creates it"
            )
        if grant.project and grant.project not in projects:
            projects[grant.project] = keystone.create_project(
                name=grant.project, domain_id=domain.id, description=DESCRIPTION
            )
        if grant.user not in users:
            users[grant.user] = keystone.create_user(
                name=grant.user, domain_id=domain.id, password=stage.password, description=DESCRIPTION
            )
        user, role = users[grant.user], roles[grant.role]
        if grant.project:
            keystone.assign_project_role_to_user(projects[grant.project], user, role)
        else:
            keystone.assign_system_role_to_user(user, role, "all")
    return projects


def find(admin: Connection, suite: str) -> Domain | None:
    """The suite's domain, if an earlier run left it. Raises PermanentError if a domain of this name is not
    OneStack's."""
    for each in identity(admin).domains(name=name(suite)):
        if each.description != DESCRIPTION:
            raise PermanentError(
                f"there is a domain '{each.name}' that verify did not create",
                hint="rename it: the suite creates a domain of this name",
            )
        return each
    return None
