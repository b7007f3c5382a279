"""The checks for several hosts: guests on different hosts, and a live migration."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from openstack.compute.v2.server import Server
from openstack.connection import Connection
from openstack.exceptions import SDKException

from onestack.core.errors import PermanentError
from onestack.core.wait import until
from onestack.health.verify.report import Recorder

MOVE_SECONDS = 240.0
"""The timeout of a live migration: a small guest under software emulation on a busy machine."""
_HINT = "onestack logs nova; onestack logs libvirtd; onestack host list"


def that_run_guests(admin: Connection) -> list[str]:
    """The names of the hosts on which Nova can start a server."""
    services = admin.compute.services(binary="nova-compute")
    return sorted(each.host for each in services if each.state == "up" and each.status == "enabled")


def apart(cloud: Connection, name: str) -> dict[str, Any]:
    """Options for servers that Nova places on different hosts if it can.

    Not on different ones only: each of them must be able to move to the host that has the volumes.
    """
    group = cloud.compute.create_server_group(name=name, policy="soft-anti-affinity")
    return {"scheduler_hints": {"group": group.id}}


def check_apart(record: Recorder, admin: Connection, servers: Sequence[Server]) -> None:
    """The servers of such a group are on different hosts."""
    with record.check("guests on different hosts", hint=_HINT) as at:
        hosts = [str(admin.compute.get_server(each.id).compute_host) for each in servers]
        if len(set(hosts)) == 1 < len(hosts):
            raise PermanentError(f"soft anti-affinity is requested, and all guests are on {hosts[0]}")
        at.outcome = " and ".join(hosts)


def _is_on(admin: Connection, server: Server, host: str) -> tuple[bool, str]:
    now = admin.compute.get_server(server.id)
    if now.status == "ERROR":
        raise PermanentError(f"the server went to ERROR: {(now.fault or {}).get('message', '')}")
    done = now.compute_host == host and now.task_state is None
    return done, f"{now.status} on {now.compute_host}, {now.task_state or 'no task'}"


def check_moved(
    record: Recorder, admin: Connection, server: Server, to: str, answers: Callable[[], bool]
) -> None:
    """Migrate a guest live to another host, while it is queried continuously. Raises OneStackError."""
    if admin.compute.get_server(server.id).compute_host == to:
        record.leave_out("live migration", f"the guest is on {to} already, where its volumes will be")
        return
    with record.step("live migration", hint=_HINT) as at:
        last, longest = time.monotonic(), 0.0

        def state() -> tuple[bool, str]:
            nonlocal last, longest
            if answers():
                longest, last = max(longest, time.monotonic() - last), time.monotonic()
            moved, seen = _is_on(admin, server, to)
            return moved and time.monotonic() - last < 1, seen

        try:
            admin.compute.live_migrate_server(server, host=to, block_migration="auto")
        except SDKException as error:
            raise PermanentError(f"Nova refuses: {error}") from error
        until(f"the server to run on {to}", state, seconds=MOVE_SECONDS, every=0.05)
        at.outcome = f"to {to}; the longest time without an answer was {longest:.1f} s"
