"""Horizon: the web page, at /dashboard."""

from __future__ import annotations

import json

from onestack.core import contract
from onestack.platform.services import _common as common
from onestack.platform.shape import Endpoint, Process, Service, View

PATH = contract.API_PATHS["horizon"]
SECRET = "dashboard"
"""Signs what Horizon gives to browsers."""


def _files(view: View) -> dict[str, str]:
    encrypted = view.front.startswith("https:")
    settings = {
        "SECRET_KEY": view.secrets[SECRET],
        "OPENSTACK_KEYSTONE_URL": f"{view.front}/identity/v3",
        "OPENSTACK_SSL_CACERT": view.ca_file,
        "DEFAULT_SERVICE_REGIONS": {"*": view.region},
        "SESSION_COOKIE_SECURE": encrypted,
        "CSRF_COOKIE_SECURE": encrypted,
        # Only a front that speaks TLS says in this header what the client spoke, whatever the client said.
        "SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"] if encrypted else None,
    }
    return common.files("horizon", json.dumps(settings, indent=1, sort_keys=True) + "\n")


def _processes(view: View) -> tuple[Process, ...]:
    return (common.runner(view, "horizon"),)


SERVICE = Service(
    type="dashboard",
    name="horizon",
    requires=("identity",),
    files=_files,
    processes=_processes,
    # A page for people: no client looks for it in the catalogue.
    endpoint=Endpoint(PATH, contract.socket("horizon"), listed=False, files=f"{PATH}/static"),
    secrets=(SECRET,),
)
