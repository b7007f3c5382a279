"""Placement."""

from __future__ import annotations

from onestack.core import contract
from onestack.core.contract import LIB
from onestack.platform.services import _common as common
from onestack.platform.shape import Database, Endpoint, Folder, Process, Service
from onestack.platform.view import View

PATH = contract.API_PATHS["placement"]


def _files(view: View) -> dict[str, str]:
    text = common.ini(
        {
            "DEFAULT": common.logging(),
            "api": {"auth_strategy": "keystone"},
            "placement_database": common.database(view, "placement", "placement"),
            "keystone_authtoken": common.authtoken(view, "placement"),
            **common.proxied(),
        }
    )
    return common.files("placement", text)


def _processes(view: View) -> tuple[Process, ...]:
    return (common.runner(view, "placement", PATH),)


SERVICE = Service(
    type="placement",
    name="placement",
    requires=("identity",),
    databases=(Database("placement", "placement"),),
    migrations=lambda view: common.migration("placement"),
    files=_files,
    processes=_processes,
    folders=(Folder(f"{LIB}/placement", mode=0o700),),
    endpoint=Endpoint(PATH),
    user="placement",
)
