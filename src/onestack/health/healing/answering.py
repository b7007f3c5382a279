"""Whether guests that were started elsewhere are seen to answer: `ACTIVE` says only that their process runs.

The best evidence that there is for a guest counts: the health monitor of a balancer whose member it is; else what it
says on its console once its users' part is up. Where there is neither, it is said whether its ports are up.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from keystoneauth1.exceptions import ClientException
from openstack.connection import Connection
from openstack.exceptions import NotFoundException, SDKException

from onestack.core.errors import OneStackError
from onestack.health.healing.evacuation import Guest

LOG = logging.getLogger("onestack.healer")
SECONDS = 240.0
"""How long a guest that runs may take to answer: a boot under software emulation, with a margin."""
EVERY = 1.0
"""Seconds between two questions about the same guests."""
CONSOLE_LINES = 40
UP = re.compile(r"login: ?$|Please press Enter to activate this console|Cloud-init v\. .* finished", re.M)
"""What a console shows once its guest has started: a login prompt, busybox' own, cloud-init's last line."""
BALANCER, CONSOLE = "its balancer's health monitor", "its console"


def console_says_up(text: str) -> bool:
    """Whether a console's text is that of a guest that has started. Pure."""
    return UP.search(text.replace("\r", "")) is not None


@dataclass
class Member:
    """A member of a balancer's pool that has a health monitor. `stale`: seconds after which the monitor has seen that
    it was away; `was_down`: it was seen as such."""

    pool: str
    ident: str
    stale: float
    was_down: bool = False

    def answers(self, status: str, since: float) -> bool:
        """Whether the monitor finds it in order now, and not only before it was lost. `since`: seconds since it was
        started elsewhere."""
        self.was_down = self.was_down or status in ("ERROR", "OFFLINE")
        return status == "ONLINE" and (self.was_down or since >= self.stale)


@dataclass
class Waiting:
    guest: Guest
    since: float
    members: list[Member] | None = None


@dataclass(frozen=True)
class Cloud:
    """What is asked. `balanced`: whether the cloud has balancers."""

    admin: Connection
    balanced: bool

    def status(self, ident: str) -> str:
        return str(self.admin.compute.get_server(ident).status)

    def console(self, ident: str) -> str:
        found: Any = self.admin.compute.get_server_console_output(ident, length=CONSOLE_LINES)
        return str(found.get("output") or "")

    def members(self, ident: str) -> list[Member]:
        """Where the server is a member of a pool with a health monitor."""
        if not self.balanced:
            return []
        server = self.admin.compute.get_server(ident)
        own = {each["addr"] for listed in (server.addresses or {}).values() for each in listed}
        found = []
        api: Any = self.admin.load_balancer
        for pool in api.pools(project_id=server.project_id):
            if not pool.health_monitor_id:
                continue
            monitor = api.get_health_monitor(pool.health_monitor_id)
            stale = float(monitor.delay) * int(monitor.max_retries_down) + float(monitor.timeout)
            found += [Member(pool.id, each.id, stale) for each in api.members(pool) if each.address in own]
        return found

    def member_status(self, member: Member) -> str:
        return str(self.admin.load_balancer.get_member(member.ident, member.pool).operating_status)

    def ports(self, ident: str) -> str:
        """In words, whether its ports are up."""
        found = [str(each.status) for each in self.admin.network.ports(device_id=ident)]
        down = sum(each != "ACTIVE" for each in found)
        if not found:
            return "it has no port"
        return f"{down} of its {len(found)} ports are down" if down else "its ports are up"


def how(cloud: Cloud, one: Waiting, at: float) -> str:
    """What shows that a guest answers at `at`; empty as long as nothing does."""
    if one.members is None:
        one.members = cloud.members(one.guest.ident)
    if one.members:
        found = [each.answers(cloud.member_status(each), at - one.since) for each in one.members]
        return BALANCER if all(found) else ""
    return CONSOLE if console_says_up(cloud.console(one.guest.ident)) else ""


Said = Callable[[Guest, bool, str], None]
"""Called once for each guest: whether it answers, and what shows it, or what was seen instead."""


@dataclass
class Answers:
    """Looks at guests, each from when it runs, in a thread of its own: evacuations do not wait for it. Call `end`
    when there are no more to come."""

    connect: Callable[[], Cloud]
    said: Said
    clock: Callable[[], float] = time.monotonic
    seconds: float = SECONDS
    waiting: list[Waiting] = field(default_factory=list)
    _no_more: threading.Event = field(default_factory=threading.Event)

    def expect(self, guest: Guest) -> None:
        """Look at a guest that runs now."""
        self.waiting.append(Waiting(guest, self.clock()))

    def begin(self) -> None:
        threading.Thread(target=self._run, name="answers", daemon=True).start()

    def end(self) -> None:
        """No more guests come; the thread ends with the last of them."""
        self._no_more.set()

    def _run(self) -> None:
        cloud: Cloud | None = None
        while self.waiting or not self._no_more.is_set():
            if self.waiting:
                try:
                    cloud = cloud or self.connect()
                except (SDKException, ClientException, OneStackError) as error:
                    self._trouble(self.waiting, error)
                else:
                    self.look(cloud)
            time.sleep(EVERY)

    def look(self, cloud: Cloud) -> None:
        """Ask about each guest once."""
        for one in list(self.waiting):
            try:
                self._look_at(cloud, one)
            except NotFoundException:
                self._tell(one, False, "it was deleted")
            except (SDKException, ClientException, OneStackError) as error:
                self._trouble([one], error)

    def _look_at(self, cloud: Cloud, one: Waiting) -> None:
        if cloud.status(one.guest.ident) == "SHUTOFF":
            self._tell(one, False, "it is stopped")
        elif found := how(cloud, one, self.clock()):
            self._tell(one, True, found)
        elif self._is_late(one):
            ports = cloud.ports(one.guest.ident)
            self._tell(one, False, f"it was not seen to answer within {self.seconds:.0f} s; {ports}")

    def _is_late(self, one: Waiting) -> bool:
        return self.clock() - one.since > self.seconds

    def _trouble(self, of: Sequence[Waiting], error: Exception) -> None:
        LOG.info("whether guests answer cannot be asked: %s", error)
        for one in filter(self._is_late, list(of)):
            self._tell(one, False, "the APIs did not answer")

    def _tell(self, one: Waiting, answers: bool, words: str) -> None:
        self.waiting.remove(one)
        self.said(one.guest, answers, words)


def entry(moved: Sequence[dict[str, Any]], ident: str) -> dict[str, Any] | None:
    """A guest's entry in what an event says of those that were moved: the last one."""
    return next((each for each in reversed(moved) if each["id"] == ident), None)
