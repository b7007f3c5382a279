"""Starts the guests of a host that is proved off on other hosts, by Nova's evacuation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from keystoneauth1.exceptions import ClientException
from openstack.connection import Connection
from openstack.exceptions import SDKException

from onestack.core.errors import OneStackError, PermanentError
from onestack.core.wait import until
from onestack.platform import hypervisors
from onestack.platform.hosts import moving
from onestack.workloads.resources import server_healing
from onestack.workloads.resources.server_healing import PRIORITY, WISH

SECONDS = 600.0
"""How long one evacuation may take."""
MICROVERSION = "2.87"
"""Of evacuations: from 2.95 on the server stays stopped."""


@dataclass(frozen=True)
class Guest:
    """A server of a lost host. `stays`: why it is not moved; empty where it is."""

    ident: str
    name: str
    priority: int
    stays: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {"id": self.ident, "name": self.name}


def guest(server: Any, *, disks_elsewhere: bool, volumes_here: Sequence[str]) -> Guest:
    """How one server is dealt with. `disks_elsewhere`: whether servers' own disks are in Ceph. Pure."""
    metadata = server.metadata or {}
    wish = str(metadata.get(WISH, ""))
    try:
        priority = int(metadata.get(PRIORITY, 0))
    except ValueError:
        priority = 0
    stays = server_healing.stays(
        wish,
        by_image=bool((server.image or {}).get("id")),
        disks_elsewhere=disks_elsewhere,
        volumes_here=volumes_here,
    )
    if not stays and server.status not in ("ACTIVE", "SHUTOFF", "ERROR"):
        stays = f"it is {server.status}"
    return Guest(str(server.id), str(server.name), priority, stays)


def in_order(guests: Sequence[Guest]) -> list[Guest]:
    """Those that are moved, in the order in which they are begun. Pure."""
    return sorted((each for each in guests if not each.stays), key=lambda each: (-each.priority, each.name))


class Nova:
    """Nova, as healing needs it. Raises openstacksdk's and keystoneauth's errors."""

    def __init__(self, admin: Connection, *, disks_elsewhere: bool, is_local: Callable[[str], bool]) -> None:
        self._admin = admin
        self._disks_elsewhere = disks_elsewhere
        self._is_local = is_local

    def service(self, host: str) -> dict[str, Any] | None:
        """Nova's record of a host's nova-compute."""
        path = f"/os-services?host={host}&binary=nova-compute"
        found = self._admin.compute.get(path, microversion="2.53").json()["services"]
        return dict(found[0]) if found else None

    def force_down(self, host: str, forced: bool) -> None:
        """Have Nova take a host for lost whatever it hears, or no more."""
        service = self.service(host)
        if service is not None and service["forced_down"] != forced:
            hypervisors.force_down(self._admin, service["id"], forced)

    def guests(self, host: str) -> list[Guest]:
        """The servers that Nova has on a host."""
        return sorted((each for _, each in self.everyone(host)), key=lambda each: each.name)

    def everyone(self, host: str = "") -> Iterator[tuple[Any, Guest]]:
        """The servers of one host or all, as openstacksdk has them, and how each is dealt with."""
        for server in self._admin.compute.servers(all_projects=True):
            if host in ("", server.compute_host):
                local = moving.volumes_here(self._admin, server, self._is_local)
                yield server, guest(server, disks_elsewhere=self._disks_elsewhere, volumes_here=local)

    def evacuate(self, one: Guest, host: str) -> str:
        """Start a guest of a host elsewhere, and wait until it runs; on which host. Raises PermanentError."""
        now = self._admin.compute.get_server(one.ident)
        # A healer before this one may have asked for it already.
        if now.compute_host == host and now.task_state is None:
            answer = self._admin.compute.post(
                f"/servers/{one.ident}/action", json={"evacuate": {}}, microversion=MICROVERSION
            )
            if answer.status_code not in (200, 202):
                raise PermanentError(f"Nova refused: {answer.text[:300]}")

        def poll() -> tuple[bool, str]:
            server = self._admin.compute.get_server(one.ident)
            if server.status == "ERROR" and server.task_state is None:
                raise PermanentError((server.fault or {}).get("message") or "it is in ERROR")
            done = server.compute_host != host and server.task_state is None
            if not done and server.task_state is None and (why := moving.failure(self._admin, server)):
                raise PermanentError(why)
            return done, f"{server.status}, {server.task_state or 'no task'}, on {server.compute_host}"

        until(f"{one.name} to run elsewhere", poll, seconds=SECONDS, every=0.5)
        return str(self._admin.compute.get_server(one.ident).compute_host)


def move_all(
    nova: Nova,
    guests: Sequence[Guest],
    host: str,
    at_once: int,
    may_go_on: Callable[[], bool],
    said: Callable[[Guest, str, str], None],
) -> None:
    """Evacuate guests in order, at most `at_once` at a time. `may_go_on`: asked before each. `said`: called after
    each, with the host that it is on, or why it could not be moved."""

    def one(each: Guest) -> None:
        if not may_go_on():
            return said(each, "", "this healer no longer acts")
        try:
            return said(each, nova.evacuate(each, host), "")
        except (SDKException, ClientException, OneStackError) as error:
            return said(each, "", str(error))

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(one, in_order(guests)))
