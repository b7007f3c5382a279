"""What an operator does with one host of a running cloud: see it, empty it, use it again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from openstack.connection import Connection
from openstack.exceptions import SDKException

from onestack.core.errors import BadInput, PermanentError
from onestack.core.events import Emit, step
from onestack.core.wait import until
from onestack.platform import connect
from onestack.platform.hosts import cluster
from onestack.platform.site import Site
from onestack.spec.model import Host

MOVE_SECONDS = 600.0
"""How long the move of one guest may take."""
AT_A_TIME = 2
"""Guests that are moved at the same time: each takes bandwidth of the host's NIC."""
DRAINED = "drained by onestack"
"""The reason by which Nova's service is disabled."""


@dataclass(frozen=True)
class HostStatus:
    """A host. `problem`: why it cannot be reached. `compute`: what Nova says of it: up, down, or empty without the
    role. `drained`: Nova gives it no new guests. `guests`: how many servers OpenStack has there."""

    name: str
    address: str
    roles: tuple[str, ...]
    leader: bool = False
    problem: str = ""
    compute: str = ""
    drained: bool = False
    zone: str = ""
    guests: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Hosts:
    """The hosts of one cloud; to be used on its leader."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def list(self) -> list[HostStatus]:
        """All of them, the leader first."""
        with cluster.reachable(self._site.paths) as (_, failed):
            pass
        admin = self._admin
        services = {each.host: each for each in admin.compute.services(binary="nova-compute")}
        counted: dict[str, int] = {}
        for server in admin.compute.servers(all_projects=True):
            counted[server.compute_host] = counted.get(server.compute_host, 0) + 1
        found = []
        for view in self._site.hosts:
            service = services.get(view.name)
            found.append(
                HostStatus(
                    view.name,
                    view.address,
                    tuple(sorted(view.roles)),
                    view.name == self._site.here.name,
                    str(failed.get(view.name, "")),
                    service.state if service else "",
                    service is not None and service.status == "disabled",
                    service.availability_zone if service else "",
                    counted.get(view.name, 0),
                )
            )
        return found

    def spec_of(self, name: str) -> Host:
        """What the spec says of a host. Raises BadInput where there is none."""
        for each in self._site.spec.hosts:
            if each.name == name:
                return each
        there = ", ".join(each.name for each in self._site.hosts)
        raise BadInput(f"this cloud has no host '{name}'", hint=f"it has {there}")

    def drain(self, name: str, emit: Emit) -> int:
        """Give a host no new guests, and move its guests to other hosts; how many were moved.

        Guests that run are migrated live, others cold. What is left after a failure stays where it is, and running
        it again goes on. Raises PermanentError naming what could not be moved, and why.
        """
        self.spec_of(name)
        admin = self._admin
        admin.compute.disable_service(self._service(name), name, "nova-compute", disabled_reason=DRAINED)
        servers = [each for each in admin.compute.servers(all_projects=True) if each.compute_host == name]
        failed: dict[str, str] = {}
        with step(f"drain {name}", emit) as at:
            done = 0

            def move(server: Any) -> None:
                nonlocal done
                try:
                    _move(admin, server, name)
                except (SDKException, PermanentError) as error:
                    failed[server.name] = str(error)
                done += 1
                at.progress(f"{done} of {len(servers)} guests")

            with ThreadPoolExecutor(AT_A_TIME) as pool:
                list(pool.map(move, servers))
            if failed:
                raise PermanentError(
                    f"{len(failed)} of {len(servers)} guests could not be moved from {name}",
                    detail="\n".join(f"{server}: {why}" for server, why in sorted(failed.items())),
                    hint=f"`onestack host drain {name}` tries again; `onestack host enable {name}` uses it again",
                )
            at.outcome = f"{len(servers)} guests moved"
        return len(servers)

    def enable(self, name: str) -> None:
        """Give a host new guests again."""
        self.spec_of(name)
        self._admin.compute.enable_service(self._service(name), name, "nova-compute")

    def unregister(self, name: str) -> None:
        """Have OpenStack forget a host whose processes have ended. Its guests must have been moved."""
        admin = self._admin
        for service in admin.compute.services(host=name):
            admin.compute.delete_service(service)
        for agent in admin.network.agents(host=name):
            admin.network.delete_agent(agent)

    def require_removable(self, name: str) -> None:
        """Raises BadInput where a host cannot be taken out of the cloud: the leader, or one that is not in it."""
        spec = self.spec_of(name)
        if "control" in spec.roles and name != self._site.here.name:
            raise BadInput(
                f"{name} is a control host: it cannot be removed yet",
                hint="a lost one comes back by `onestack up`",
            )
        if name == self._site.here.name:
            raise BadInput(
                f"{name} has the cloud's databases and APIs: it cannot be removed",
                hint="`onestack destroy` removes the cloud",
            )

    def _service(self, name: str) -> str:
        for each in self._admin.compute.services(binary="nova-compute", host=name):
            return str(each.id)
        raise BadInput(f"{name} runs no guests", hint="only hosts with the role compute do")

    @property
    def _admin(self) -> Connection:
        return connect.connection(self._site)


def _move(admin: Connection, server: Any, host: str) -> None:
    """Move a server to another host that Nova chooses. Raises SDKException, PermanentError."""
    if server.status in ("ACTIVE", "PAUSED"):
        admin.compute.live_migrate_server(server, block_migration="auto")
    elif server.status == "SHUTOFF":
        admin.compute.migrate_server(server)
    else:
        raise PermanentError(f"it is {server.status}")
    _wait(admin, server, lambda now: now.compute_host != host or now.status == "VERIFY_RESIZE")
    if admin.compute.get_server(server).status == "VERIFY_RESIZE":
        admin.compute.confirm_server_resize(server)
        _wait(admin, server, lambda now: now.status == "SHUTOFF")


def _wait(admin: Connection, server: Any, done: Callable[[Any], bool]) -> None:
    def poll() -> tuple[bool, str]:
        now = admin.compute.get_server(server)
        if now.status == "ERROR":
            raise PermanentError(_fault(now))
        idle = now.task_state is None
        return idle and done(now), f"{now.status}, {now.task_state or 'no task'}, on {now.compute_host}"

    until(f"{server.name} to have moved", poll, seconds=MOVE_SECONDS, every=1.0)


def _fault(server: Any) -> str:
    fault = server.fault or {}
    return str(fault.get("message", "it is in ERROR"))
