"""Connections to the cloud's APIs as administrator, and the clouds.yaml and environment variables for other tools."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openstack.config import OpenStackConfig
from openstack.connection import Connection
from ruamel.yaml import YAML

from onestack.core.errors import BadInput
from onestack.host.files import replace_private
from onestack.platform.session import keystone_session
from onestack.platform.site import Site

RETRIES = 5
"""How often a request that was answered with 503 is sent again, after 0.5, 1, 2 ... seconds, where there are several
control hosts: the address may just have moved to one whose services start. An API gateway answers so where no server
took the request."""


def auth(
    site: Site,
    *,
    user: str = "admin",
    password: str | None = None,
    project: str = "admin",
    project_id: str | None = None,
    user_id: str | None = None,
) -> dict[str, Any]:
    """keystoneauth's options for a user of the default domain. Ids take precedence over names.

    Raises PermanentError on a host that is not the leader: it does not have the administrator's password.
    """
    in_project = (
        {"project_id": project_id}
        if project_id
        else {"project_name": project, "project_domain_name": "Default"}
    )
    as_user = {"user_id": user_id} if user_id else {"username": user, "user_domain_name": "Default"}
    return {
        "auth_url": f"{site.gateway}/identity/v3",
        "password": password or _administrators_password(site),
        **as_user,
        **in_project,
    }


def _administrators_password(site: Site) -> str:
    site.require_leader()
    return site.view.cloud.secrets["user/admin"]


def connection(site: Site, **who: Any) -> Connection:
    """A new connection, usable in any thread. The machine's clouds.yaml and environment are ignored."""
    return _connected(site, auth=auth(site, **who))


def with_credential(site: Site, ident: str, secret: str) -> Connection:
    """A connection with an application credential: to its project, with its roles."""
    return _connected(
        site,
        auth_type="v3applicationcredential",
        auth={
            "auth_url": f"{site.gateway}/identity/v3",
            "application_credential_id": ident,
            "application_credential_secret": secret,
        },
    )


def _connected(site: Site, **options: Any) -> Connection:
    if site.view.replicated:
        options["status_code_retries"] = RETRIES
    config = OpenStackConfig(
        load_yaml_config=False,
        load_envvars=False,
        session_constructor=keystone_session(site.here.network),
    )
    region = config.get_one(
        region_name=site.view.cloud.region,
        interface="public",
        cacert=str(site.leader.outside(site.ca_file)) if site.ca_file else None,
        **options,
    )
    return Connection(config=region)


def clouds_yaml(site: Site) -> dict[str, Any]:
    """The content of a clouds.yaml for this cloud."""
    cloud: dict[str, Any] = {
        "auth": auth(site),
        "region_name": site.view.cloud.region,
        "interface": "public",
        "identity_api_version": 3,
    }
    if site.ca_file:
        cloud["cacert"] = str(site.leader.outside(site.ca_file))
    return {"clouds": {site.spec.name: cloud}}


def write_clouds_yaml(site: Site, file: Path) -> None:
    """Add this cloud to a clouds.yaml, or update it there; other clouds in it stay."""
    yaml = YAML()
    content = yaml.load(file.read_text()) if file.exists() else None
    content = content or {}
    content.setdefault("clouds", {}).update(clouds_yaml(site)["clouds"])
    file.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    yaml.dump(content, text)
    replace_private(file, text.getvalue())


def environment(site: Site) -> dict[str, str]:
    """The environment variables that OpenStack's own tools read."""
    names = {
        "OS_AUTH_URL": "auth_url",
        "OS_USERNAME": "username",
        "OS_PASSWORD": "password",
        "OS_PROJECT_NAME": "project_name",
        "OS_USER_DOMAIN_NAME": "user_domain_name",
        "OS_PROJECT_DOMAIN_NAME": "project_domain_name",
    }
    options = auth(site)
    variables = {variable: options[key] for variable, key in names.items()}
    variables |= {
        "OS_REGION_NAME": site.view.cloud.region,
        "OS_IDENTITY_API_VERSION": "3",
        "OS_AUTH_TYPE": "password",
    }
    if site.ca_file:
        variables["OS_CACERT"] = str(site.leader.outside(site.ca_file))
    return variables


def execute(site: Site, argv: Sequence[str], name: str) -> int:
    """Run a program with those variables; its exit status. The tool's own programs come first, with `openstack`.

    `name`: of the program, for the error. Raises BadInput where there is none of that name.
    """
    programs = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
    variables = {**os.environ, **environment(site), "PATH": programs}
    try:
        return subprocess.run(list(argv), env=variables, check=False).returncode
    except FileNotFoundError as missing:
        raise BadInput(f"there is no program '{name}'") from missing
