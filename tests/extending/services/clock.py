"""A service as its module declares it: the time of day, from a database of its own."""

from __future__ import annotations

from openstack.connection import Connection

from onestack.core.contract import LIB
from onestack.core.errors import PermanentError
from onestack.platform.services import _common as common
from onestack.platform.shape import Database, Endpoint, Folder, Process, Service, local
from onestack.platform.view import View

PATH = "clock"


def _files(view: View) -> dict[str, str]:
    return {"clockd/clockd.conf": common.ini({"database": common.database(view, "clockd", "clockd")})}


def _processes(view: View) -> tuple[Process, ...]:
    return (common.runner(view, "clockd", PATH, needs=local("memcached")),)


def _verify(owner: Connection, other: Connection) -> str:
    if owner.get("/now") != other.get("/now"):
        raise PermanentError("two tenants see different times")
    return "both tenants see the same time"


SERVICE = Service(
    type="time-of-day",
    name="clockd",
    requires=("identity",),
    databases=(Database("clockd", "clockd"),),
    migrations=lambda view: common.migration("clockd"),
    files=_files,
    processes=_processes,
    folders=(Folder(f"{LIB}/clockd", mode=0o700),),
    endpoint=Endpoint(PATH),
    user="clockd",
    secrets=("spring",),
    verify=_verify,
)
