"""Temporary tenants: a project with one ordinary user, recognisable as OneStack's by name and description."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from openstack.connection import Connection
from openstack.identity.v3.project import Project

from onestack.core.errors import PermanentError
from onestack.health.verify.sdk import identity

PREFIX = "onestack-verify-"
DESCRIPTION = "Throw-away project of `onestack verify`; removed by its next run"
DOMAIN = "default"
"""The id of Keystone's default domain."""
ROLE = "member"

Connect = Callable[..., Connection]
"""`connect()` gives the administrator's connection, `connect(user=…, password=…, project=…)` that of
a user of the default domain."""


@dataclass(frozen=True)
class Tenant:
    """A temporary project and a connection as its user."""

    project: Project
    user_id: str
    cloud: Connection = field(repr=False)

    @property
    def name(self) -> str:
        """Begins with PREFIX; resources created for the tenant have it in their names, too."""
        return str(self.project.name)


def is_ours(project: Project) -> bool:
    """Whether a project was created by a check with this prefix."""
    return str(project.name).startswith(PREFIX) and project.description == DESCRIPTION


def run_token() -> str:
    """Eight characters in the names of this run's resources."""
    return secrets.token_hex(4)


def create(admin: Connection, connect: Connect, name: str) -> Tenant:
    """Create a project and a user with the role `member` in it, and connect as that user. The user is named after
    the project, so that a later run finds it."""
    keystone = identity(admin)
    role = keystone.find_role(ROLE)
    if role is None:
        raise PermanentError(
            f"the role `{ROLE}` does not exist", hint="run `onestack up`, which creates the role"
        )
    project = keystone.create_project(name=name, domain_id=DOMAIN, description=DESCRIPTION)
    # With what the spec may want of a password.
    password = f"{secrets.token_urlsafe(24)}-aA1"
    user = keystone.create_user(
        name=name, domain_id=DOMAIN, password=password, default_project_id=project.id, description=DESCRIPTION
    )
    keystone.assign_project_role_to_user(project, user, role)
    cloud = connect(user=name, password=password, project=name)
    return Tenant(project, user.id, cloud)
