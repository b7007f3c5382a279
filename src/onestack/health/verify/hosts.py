"""The checks for several hosts: guests on different hosts, and a live migration."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from openstack.compute.v2.server import Server
from openstack.connection import Connection
from openstack.exceptions import BadRequestException, SDKException

from onestack.core.errors import PermanentError
from onestack.core.wait import until
from onestack.health.verify.report import Recorder

MOVE_SECONDS = 240.0
"""The timeout of a live migration: a small guest under software emulation on a busy machine."""
REFUSED_SECONDS = 150.0
"""For the scheduler to know that a host is free of an anti-affinity group; it compares every two minutes at the most."""
_HINT = "onestack logs nova; onestack logs libvirtd; onestack host list"


def that_run_guests(admin: Connection) -> list[str]:
    """The names of the hosts on which Nova can start a server."""
    services = admin.compute.services(binary="nova-compute")
    return sorted(each.host for each in services if each.state == "up" and each.status == "enabled")


def apart(cloud: Connection, name: str) -> dict[str, Any]:
    """Options for servers that must be on different hosts: an anti-affinity group."""
    group = cloud.compute.create_server_group(name=name, policy="anti-affinity")
    return {"scheduler_hints": {"group": group.id}}


def check_apart(record: Recorder, admin: Connection, servers: Sequence[Server]) -> None:
    """Check that these servers are on different hosts."""
    with record.check("guests on different hosts", hint=_HINT) as at:
        hosts = [str(admin.compute.get_server(each.id).compute_host) for each in servers]
        if len(set(hosts)) != len(hosts):
            raise PermanentError(f"anti-affinity was requested, but both guests are on {hosts[0]}")
        at.outcome = " and ".join(hosts)


def make_room(
    admin: Connection, server: Server, to: str, group: Sequence[Server], names: Sequence[str]
) -> bool:
    """Have none of the other servers of an anti-affinity group on host `to`, so that `server` can be migrated there.

    `names`: the hosts that run guests. Returns False if no host is left for the one that is there. Raises
    OneStackError.
    """
    hosts = {each.id: str(admin.compute.get_server(each.id).compute_host) for each in group}
    there = [each for each in group if each.id != server.id and hosts[each.id] == to]
    free = [name for name in names if name not in hosts.values()]
    if len(free) < len(there):
        return False
    for each, host in zip(there, free, strict=False):
        _migrate(admin, each, host)
        until(
            f"{each.name} to run on {host}",
            lambda each=each, host=host: _is_on(admin, each, host),  # type: ignore[misc]
            seconds=MOVE_SECONDS,
            every=0.5,
        )
    return True


def _is_on(admin: Connection, server: Server, host: str) -> tuple[bool, str]:
    now = admin.compute.get_server(server.id)
    if now.status == "ERROR":
        raise PermanentError(f"the server went to ERROR: {(now.fault or {}).get('message', '')}")
    done = now.compute_host == host and now.task_state is None
    return done, f"{now.status} on {now.compute_host}, {now.task_state or 'no task'}"


def _migrate(admin: Connection, server: Server, host: str) -> None:
    def accepted() -> tuple[bool, str]:
        try:
            admin.compute.live_migrate_server(server, host=host, block_migration="auto")
        except BadRequestException as error:
            # The scheduler hears from nova-compute which guests have left a host, some time after they did.
            if "No valid host" not in str(error):
                raise PermanentError(f"Nova refuses: {error}") from error
            return False, str(error)
        except SDKException as error:
            raise PermanentError(f"Nova refuses: {error}") from error
        return True, "accepted"

    until(f"Nova to migrate {server.name} to {host}", accepted, seconds=REFUSED_SECONDS, every=1.0)


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

        _migrate(admin, server, to)
        until(f"the server to run on {to}", state, seconds=MOVE_SECONDS, every=0.05)
        at.outcome = f"to {to}; the longest time without an answer was {longest:.1f} s"
