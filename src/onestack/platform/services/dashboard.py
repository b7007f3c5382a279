"""Horizon, the dashboard, at /dashboard."""

from __future__ import annotations

import json

from onestack.core import contract
from onestack.core.contract import LIB
from onestack.platform.services import _common as common
from onestack.platform.shape import Endpoint, Folder, Process, Service
from onestack.platform.view import View

PATH = contract.API_PATHS["horizon"]
SECRET = "dashboard"
"""The key with which Horizon signs cookies and forms."""


def _files(view: View) -> dict[str, str]:
    encrypted = view.cloud.gateway.startswith("https:")
    settings = {
        "DISALLOW_IFRAME_EMBED": True,
        "SESSION_COOKIE_HTTPONLY": True,
        # Administrators who set a user's password give their own.
        "ENFORCE_PASSWORD_CHECK": True,
        "DISABLE_PASSWORD_REVEAL": True,
        "SECRET_KEY": view.cloud.secrets[SECRET],
        "OPENSTACK_KEYSTONE_URL": f"{view.cloud.gateway}/identity/v3",
        "OPENSTACK_SSL_CACERT": view.cloud.ca_file,
        "DEFAULT_SERVICE_REGIONS": {"*": view.cloud.region},
        "SESSION_COOKIE_SECURE": encrypted,
        "CSRF_COOKIE_SECURE": encrypted,
        # Only an API gateway with TLS overwrites this header; otherwise a client could forge it.
        "SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"] if encrypted else None,
    }
    return common.files("horizon", json.dumps(settings, indent=1, sort_keys=True) + "\n")


def _processes(view: View) -> tuple[Process, ...]:
    return (common.runner(view, "horizon", PATH),)


SERVICE = Service(
    type="dashboard",
    name="horizon",
    requires=("identity",),
    files=_files,
    processes=_processes,
    folders=(Folder(f"{LIB}/horizon", mode=0o700),),
    # A web page for people: no client looks it up in the catalogue.
    endpoint=Endpoint(PATH, listed=False, files=f"{PATH}/static"),
    secrets=(SECRET,),
)
