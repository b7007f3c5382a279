"""What an operator does with one host of a running cloud: see it, empty it, use it again."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from openstack.connection import Connection
from openstack.exceptions import SDKException

from onestack.core.errors import BadInput, PermanentError
from onestack.core.events import Emit, step
from onestack.host.machine import ssh
from onestack.platform import connect, host_users, storage_changes
from onestack.platform.hosts import cluster, control_hosts, moving, remote
from onestack.platform.places import login
from onestack.platform.site import Site
from onestack.spec.model import Host

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

    def execute(self, name: str, words: Sequence[str]) -> int:
        """Run a program on a host, with this process's own input and output; its exit status. Raises BadInput."""
        if name == self._site.here.name:
            return subprocess.run([*words], check=False).returncode
        where = remote.address(self.spec_of(name))
        return subprocess.run(ssh.through(where, shlex.join(words)), check=False).returncode

    def drain(self, name: str, emit: Emit) -> int:
        """Give a host no new guests, and move its guests to other hosts; how many were moved.

        Guests that run are migrated live, stopped ones cold, which is confirmed. What is left after a failure stays
        where it is, and running it again goes on. Raises PermanentError naming what could not be moved, and why.
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
                    moving.move(admin, server, name, self._is_local)
                except (SDKException, PermanentError) as error:
                    failed[server.name] = str(error)
                done += 1
                at.progress(f"{done} of {len(servers)} guests")

            with ThreadPoolExecutor(AT_A_TIME) as pool:
                list(pool.map(move, servers))
            for ident in moving.undecided(admin, name):
                failed[ident] = f"it was resized and may be reverted to {name}: confirm or revert that first"
            if failed:
                hint = (
                    f"`onestack host drain {name}` tries again; `onestack host enable {name}` uses it again"
                )
                if self._is_down(name):
                    hint = (
                        f"{name} is down: delete its guests, or have them built anew elsewhere"
                        f" (openstack server evacuate); then `onestack host remove {name} --leave-unreachable`"
                    )
                raise PermanentError(
                    f"{len(failed)} guest{'s' if len(failed) > 1 else ''} could not be moved from {name}",
                    detail="\n".join(f"{server}: {why}" for server, why in sorted(failed.items())),
                    hint=hint,
                )
            at.outcome = f"{len(servers)} guests moved"
        return len(servers)

    def empty_disks(self, name: str, emit: Emit) -> None:
        """Have Ceph copy what a host stores to others. Raises PermanentError where they cannot take it."""
        storage_changes.leave_host(self._site, name, emit)

    def enable(self, name: str) -> None:
        """Give a host new guests again."""
        self.spec_of(name)
        self._admin.compute.enable_service(self._service(name), name, "nova-compute")

    def unregister(self, name: str) -> None:
        """Have OpenStack forget a host whose processes have ended. Its guests must have been moved.

        Its secrets end with the next `up`, which takes it off the list of hosts (`up.gathered`).
        """
        admin = self._admin
        for service in admin.compute.services(host=name):
            admin.compute.delete_service(service)
        for agent in admin.network.agents(host=name):
            admin.network.delete_agent(agent)
        own = host_users.name(name)
        for called in {own, login(self._site.view.cloud.secrets, own)}:
            for user in admin.identity.users(name=called, domain_id="default"):
                # Its tokens end with it.
                admin.identity.delete_user(user.id)

    def require_removable(self, name: str) -> None:
        """Raises BadInput where a host cannot be taken out of the cloud: the leader, or one that is not in it."""
        self.spec_of(name)
        controls = [each.name for each in self._site.spec.control_hosts]
        if wrong := control_hosts.unremovable(name, controls, self._site.here.name):
            raise wrong

    def runs_guests(self, name: str) -> bool:
        """Whether Nova knows it: an `up` that was cut off may not have come so far."""
        return any(True for _ in self._admin.compute.services(binary="nova-compute", host=name))

    def _is_down(self, name: str) -> bool:
        found = self._admin.compute.services(binary="nova-compute", host=name)
        return any(each.state != "up" for each in found)

    def _is_local(self, backend: str) -> bool:
        """Whether a backend's volumes are on one host, as all but those in Ceph are."""
        backends = self._site.view.cloud.volume_backends
        return any(each.name == backend and each.ceph is None for each in backends)

    def _service(self, name: str) -> str:
        for each in self._admin.compute.services(binary="nova-compute", host=name):
            return str(each.id)
        raise BadInput(f"{name} runs no guests", hint="only hosts with the role compute do")

    @property
    def _admin(self) -> Connection:
        return connect.connection(self._site)
