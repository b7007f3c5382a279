"""Starts guests again whose process ended on a host that lives: with back-off, then on another host.

Nova itself only takes note of it (the guest is SHUTOFF), and starts guests again only when its nova-compute begins
(`resume_guests_state_on_host_boot`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from keystoneauth1.exceptions import ClientException
from openstack.connection import Connection
from openstack.exceptions import ConflictException, NotFoundException, SDKException

from onestack.autoscaling import record
from onestack.core.errors import OneStackError, PermanentError
from onestack.core.wait import until
from onestack.platform.hosts import moving
from onestack.workloads.resources.server_healing import WISH

LOG = logging.getLogger("onestack.healer")
SURE = 4.0
"""Seconds for which a guest must be seen as ended: Nova may be about to start it itself."""
BACKOFF = (0.0, 30.0, 120.0, 120.0)
"""Seconds before each try to start a guest again, and at last to move it, from when the try before it ended."""
TRIES = len(BACKOFF) - 1
PAUSE = 30.0
"""Seconds between two looks at a guest that Nova is busy with, or that a person stopped."""
FORGOTTEN = 900.0
"""A guest that ran for so many seconds after a try begins anew."""
SECONDS = 180.0
"""How long Nova may take to start or stop a guest."""
LEFT = "left as it is"


@dataclass(frozen=True)
class Due:
    """A guest that is to be dealt with. `number`: which try it is, from 1; above `TRIES`: no more here."""

    ident: str
    host: str
    number: int

    @property
    def last(self) -> bool:
        return self.number > TRIES


@dataclass(frozen=True)
class Done:
    """What was done about a guest, in words with its name. `final`: nothing more is tried."""

    words: str
    final: bool = False


@dataclass
class _Seen:
    since: float
    ran: float | None = None
    tries: int = 0
    tried: float | None = None
    final: bool = False


@dataclass
class Schedule:
    """When which guest is tried. Pure; all times are the healer's, in seconds."""

    seen: dict[str, _Seen] = field(default_factory=dict)

    def observe(self, at: float, ended: Mapping[str, str]) -> list[Due]:
        """What is due. `ended`: the host of each guest that has ended, by the guest's id."""
        for ident in ended:
            one = self.seen.setdefault(ident, _Seen(at))
            if one.ran is not None:
                one.since, one.ran, one.final = at, None, False
        for ident, one in list(self.seen.items()):
            if ident not in ended:
                one.ran = one.ran if one.ran is not None else at
                if one.tries == 0 or at - one.ran >= FORGOTTEN:
                    del self.seen[ident]
        return [
            Due(ident, host, self.seen[ident].tries + 1)
            for ident, host in sorted(ended.items())
            if self._is_due(at, self.seen[ident])
        ]

    def _is_due(self, at: float, one: _Seen) -> bool:
        if at - one.since < SURE or one.final or one.tries >= len(BACKOFF):
            return False
        return one.tried is None or at - one.tried >= max(BACKOFF[one.tries], PAUSE)

    def tried(self, at: float, ident: str) -> None:
        """A try of a guest began."""
        one = self.seen[ident]
        one.tries, one.tried = one.tries + 1, at

    def ended(self, at: float, ident: str, done: Done | None) -> None:
        """A try ended. Where nothing was done it does not count; after one that is final there is no other before the
        guest ran again."""
        if (one := self.seen.get(ident)) is not None:
            one.tried, one.final = at, done is not None and done.final
            one.tries -= done is None


def not_ours(server: Any) -> str:
    """Why a guest is none of ours; empty if it is to be started again. Pure."""
    metadata = server.metadata or {}
    if metadata.get(WISH) == "leave":
        return "it says healing: leave"
    if record.GROUP in metadata:
        return "it is a member of a scaling group, which replaces it"
    return ""


class Restart:
    """What is done about one guest. Raises SDKException, ClientException, OneStackError."""

    def __init__(self, admin: Connection, is_local: Callable[[str], bool]) -> None:
        self._admin, self._is_local = admin, is_local
        self._compute: Any = admin.compute

    def __call__(self, due: Due) -> Done | None:
        """Deal with a guest; None where there is nothing to do now."""
        try:
            server = self._compute.get_server(due.ident)
        except NotFoundException:
            return None
        idle = server.task_state is None and server.status in ("ACTIVE", "SHUTOFF")
        if not idle or server.compute_host != due.host or self._is_stopped_by_somebody(server):
            return None
        if why := not_ours(server):
            return Done(f"{server.name}: its process ended; {LEFT}: {why}", final=True)
        if not due.last:
            self._start(server)
            return Done(f"{server.name}: its process ended; it was started again there (try {due.number})")
        return Done(f"{server.name}: {self._move(server)}", final=True)

    def _is_stopped_by_somebody(self, server: Any) -> bool:
        """Whether it is off because a person wanted it. Nova's own stop, by its sync of states, names nobody."""
        if server.status != "SHUTOFF":
            return False
        last = max(self._compute.server_actions(server), key=lambda each: str(each.start_time), default=None)
        return last is not None and last.action == "stop" and bool(last.user_id)

    def _start(self, server: Any) -> None:
        try:
            if server.status == "SHUTOFF":
                self._compute.start_server(server)
            else:
                self._compute.reboot_server(server, "HARD")
        except ConflictException as busy:
            raise PermanentError(f"Nova is busy with it: {busy}") from busy
        self._wait(server, "ACTIVE")

    def _move(self, server: Any) -> str:
        """Move a guest that ends again and again, and start it there; what was done."""
        many = f"its process ended {len(BACKOFF)} times"
        if (server.metadata or {}).get(WISH) == "restart":
            return f"{many}; {LEFT}: it says healing: restart"
        if found := moving.volumes_here(self._admin, server, self._is_local):
            return f"{many}; {LEFT}: its volumes are files of one host: {', '.join(found)}"
        if server.status == "ACTIVE":
            self._compute.stop_server(server)
            self._wait(server, "SHUTOFF")
            server = self._compute.get_server(server.id)
        moving.move(self._admin, server, str(server.compute_host), self._is_local)
        now = self._compute.get_server(server.id)
        self._compute.start_server(now)
        self._wait(now, "ACTIVE")
        return f"{many}; it was moved to {now.compute_host} and started there"

    def _wait(self, server: Any, status: str) -> None:
        def poll() -> tuple[bool, str]:
            now = self._compute.get_server(server.id)
            if now.status == "ERROR" and now.task_state is None:
                raise PermanentError((now.fault or {}).get("message") or "it is in ERROR")
            done = now.status == status and now.task_state is None
            if not done and now.task_state is None and (why := moving.failure(self._admin, now)):
                raise PermanentError(why)
            return done, f"{now.status}, {now.task_state or 'no task'}"

        until(f"{server.name} to be {status}", poll, seconds=SECONDS, every=0.5)


def outcome(restart: Callable[[Due], Done | None], due: Due) -> Done | None:
    """What was done about a guest, or how it failed; None for nothing."""
    try:
        return restart(due)
    except (SDKException, ClientException, OneStackError) as error:
        what = "it could not be moved" if due.last else f"try {due.number} to start it again failed"
        return Done(f"{due.ident}: its process ended; {what}: {error}")
