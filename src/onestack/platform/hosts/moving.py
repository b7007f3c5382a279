"""Moves a server to another host that Nova chooses: live while it runs, cold while it is stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from openstack.connection import Connection

from onestack.core.errors import PermanentError
from onestack.core.wait import until

SECONDS = 600.0
"""How long the move of one server may take."""


def move(admin: Connection, server: Any, host: str, here: Callable[[str], bool]) -> None:
    """Move a server away from `host`, and confirm it. `here`: whether a volume backend's volumes are on one host.

    Raises SDKException, PermanentError.
    """
    if found := volumes_here(admin, server, here):
        raise PermanentError(
            f"it uses volumes that are stored on {host} ({', '.join(found)}): "
            "stop using them, or delete the server, first"
        )
    if server.status in ("ACTIVE", "PAUSED"):
        admin.compute.live_migrate_server(server, block_migration="auto")
        _wait(admin, server, lambda now: now.compute_host != host)
    elif server.status == "SHUTOFF":
        admin.compute.migrate_server(server)
        _wait(admin, server, lambda now: now.status == "VERIFY_RESIZE")
        admin.compute.confirm_server_resize(server)
        _wait(admin, server, lambda now: now.status == "SHUTOFF")
    elif server.status == "VERIFY_RESIZE":
        raise PermanentError("it was resized: confirm or revert that first")
    else:
        raise PermanentError(f"it is {server.status}")


def volumes_here(admin: Connection, server: Any, here: Callable[[str], bool]) -> list[str]:
    """The names of a server's volumes that no other host reaches, sorted."""
    idents = [each["id"] for each in server.attached_volumes or ()]
    volumes = [admin.block_storage.get_volume(ident) for ident in idents]
    return sorted(each.name or each.id for each in volumes if here(backend_of(each.host)))


def backend_of(host: str | None) -> str:
    """The backend in Cinder's name of a volume service: file in `c1@file#pool`."""
    return (host or "").partition("@")[2].partition("#")[0]


def undecided(admin: Connection, host: str) -> Iterable[str]:
    """The ids of servers that were resized away from a host, which still has their old disks: a revert would bring
    them back."""
    for each in admin.compute.migrations(source_compute=host, status="finished"):
        yield str(each.server_id)


def _wait(admin: Connection, server: Any, done: Callable[[Any], bool]) -> None:
    def poll() -> tuple[bool, str]:
        now = admin.compute.get_server(server)
        if now.status == "ERROR":
            raise PermanentError((now.fault or {}).get("message", "it is in ERROR"))
        idle = now.task_state is None
        if idle and not done(now) and (why := failure(admin, server)):
            raise PermanentError(why)
        return idle and done(now), f"{now.status}, {now.task_state or 'no task'}, on {now.compute_host}"

    until(f"{server.name} to have moved", poll, seconds=SECONDS, every=1.0)


def failure(admin: Connection, server: Any) -> str:
    """Why the last action on a server failed; empty if it did not, or goes on."""
    last = max(admin.compute.server_actions(server), key=lambda each: str(each.start_time), default=None)
    if last is None or not last.message:
        return ""
    events = admin.compute.get_server_action(last.request_id, server).events or ()
    said = [str(each.details) for each in events if each.result == "Error" and each.details]
    return f"{last.action}: {said[-1] if said else last.message}"
