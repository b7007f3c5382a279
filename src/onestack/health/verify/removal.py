"""Removing all that a project holds, and the project: the one way in which a check cleans up after itself.

It asks the cloud what is there instead of remembering what was made, so that it does the same after a
check that went well, one that failed or was interrupted half way, and one that was killed.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from openstack import exceptions
from openstack.connection import Connection
from openstack.identity.v3.project import Project

from onestack.core.events import Emit, Event
from onestack.core.wait import until
from onestack.health.verify import balancers
from onestack.health.verify.sdk import identity

GONE_SECONDS = 120.0
"""How long servers may take to be gone: a guest under software emulation on a busy machine."""


@dataclass(frozen=True)
class Resource:
    """Something a project holds, and how it is removed."""

    kind: str
    name: str
    delete: Callable[[], object] = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Holdings:
    """What one project holds, seen through a connection: its own, or (`everyone`) an administrator's."""

    cloud: Connection
    project_id: str
    services: frozenset[str]
    everyone: bool = False

    def batches(self) -> Iterator[tuple[str, list[Resource]]]:
        """Kind by kind in an order that allows removal; each kind is asked for when its turn comes."""
        if "load-balancer" in self.services:
            yield "balancer", self._balancers()
        if "compute" in self.services:
            yield "server", self._servers()
        if "block-storage" in self.services:
            yield "backup", self._backups()
            yield "snapshot", self._snapshots()
            yield "volume", self._volumes()
        if "network" in self.services:
            yield "floating IP", self._floating_ips()
            yield "router interface", self._router_interfaces()
            yield "router", self._routers()
            yield "port", self._ports()
            yield "network", self._networks()
            yield "security group", self._security_groups()
        if "image" in self.services:
            yield "image", self._images()

    def all(self) -> list[Resource]:
        """Everything the project holds now."""
        return [resource for _, batch in self.batches() for resource in batch]

    def remove(self) -> list[Resource]:
        """Remove everything, servers first and waited for; return what was removed. Raises Unready."""
        removed: list[Resource] = []
        for kind, batch in self.batches():
            for resource in batch:
                resource.delete()
            if batch and (again := self._lingering().get(kind)):
                until(f"the {kind}s to be gone", partial(_none, again), seconds=GONE_SECONDS, every=0.5)
            removed += batch
        return removed

    def _lingering(self) -> dict[str, Callable[[], list[Resource]]]:
        """Kinds that are gone only some time after their deletion was asked for, and how they are listed."""
        return {
            "balancer": self._balancers,
            "server": self._servers,
            "backup": self._backups,
            "snapshot": self._snapshots,
            "volume": self._volumes,
        }

    def _balancers(self) -> list[Resource]:
        return [
            Resource("balancer", each.name or each.id, partial(balancers.delete, self.cloud, each.id))
            for each in self.cloud.load_balancer.load_balancers(project_id=self.project_id)
        ]

    def _servers(self) -> list[Resource]:
        compute = self.cloud.compute
        return [
            Resource("server", server.name, partial(compute.delete_server, server.id))
            for server in compute.servers(
                details=False, all_projects=self.everyone, project_id=self.project_id
            )
        ]

    def _backups(self) -> list[Resource]:
        storage = self.cloud.block_storage
        # The newest first: an incremental one stands on those before it.
        found = sorted(storage.backups(**self._mine()), key=lambda each: str(each.created_at), reverse=True)
        return [
            Resource("backup", each.name or each.id, partial(storage.delete_backup, each.id))
            for each in found
        ]

    def _snapshots(self) -> list[Resource]:
        storage = self.cloud.block_storage
        return [
            Resource("snapshot", each.name or each.id, partial(storage.delete_snapshot, each.id))
            for each in storage.snapshots(**self._mine())
        ]

    def _volumes(self) -> list[Resource]:
        storage = self.cloud.block_storage
        return [
            Resource("volume", each.name or each.id, partial(storage.delete_volume, each.id))
            for each in storage.volumes(**self._mine())
        ]

    def _mine(self) -> dict[str, Any]:
        """What asks Block Storage for this project's; an administrator must say that all are looked through."""
        return {"all_projects": True, "project_id": self.project_id} if self.everyone else {}

    def _floating_ips(self) -> list[Resource]:
        network = self.cloud.network
        return [
            Resource("floating IP", ip.floating_ip_address, partial(network.delete_ip, ip.id))
            for ip in network.ips(project_id=self.project_id)
        ]

    def _router_interfaces(self) -> list[Resource]:
        network = self.cloud.network
        return [
            Resource(
                "router interface",
                port.id,
                partial(network.remove_interface_from_router, router.id, port=port.id),
            )
            for router in network.routers(project_id=self.project_id)
            for port in network.ports(device_id=router.id)
            if port.device_owner.startswith("network:router_interface")
        ]

    def _routers(self) -> list[Resource]:
        network = self.cloud.network
        return [
            Resource("router", router.name, partial(network.delete_router, router.id))
            for router in network.routers(project_id=self.project_id)
        ]

    def _ports(self) -> list[Resource]:
        """Ports of the project's own making; those of routers, DHCP and metadata go with what they serve."""
        network = self.cloud.network
        return [
            Resource("port", port.name or port.id, partial(network.delete_port, port.id))
            for port in network.ports(project_id=self.project_id)
            if not (port.device_owner or "").startswith("network:")
        ]

    def _networks(self) -> list[Resource]:
        network = self.cloud.network
        return [
            Resource("network", net.name, partial(network.delete_network, net.id))
            for net in network.networks(project_id=self.project_id)
        ]

    def _security_groups(self) -> list[Resource]:
        """An administrator may remove `default` too. Asking with the project's id would make it anew."""
        network = self.cloud.network
        return [
            Resource("security group", group.name, partial(network.delete_security_group, group.id))
            for group in network.security_groups()
            if group.project_id == self.project_id and (self.everyone or group.name != "default")
        ]

    def _images(self) -> list[Resource]:
        image = self.cloud.image
        return [
            Resource("image", found.name, partial(image.delete_image, found.id))
            for found in image.images(owner=self.project_id)
            if found.owner == self.project_id
        ]


def _none(listed: Callable[[], list[Resource]]) -> tuple[bool, str]:
    left = listed()
    return not left, ", ".join(str(each) for each in left)


def remove_project(
    admin: Connection, project: Project, services: frozenset[str], users: Iterable[str]
) -> list[str]:
    """Remove a project with all it holds and the users (by id); return what was removed, in words."""
    removed = [str(resource) for resource in Holdings(admin, project.id, services, everyone=True).remove()]
    for user in users:
        removed += remove_user(admin, user, services)
    identity(admin).delete_project(project.id)
    return [*removed, f"project {project.name}"]


def remove_user(admin: Connection, user: str, services: frozenset[str]) -> list[str]:
    """Remove a user, by id, with its key pairs; return those that were removed, in words."""
    removed = _remove_keypairs(admin, user) if "compute" in services else []
    identity(admin).delete_user(user)
    return removed


def _remove_keypairs(admin: Connection, user: str) -> list[str]:
    names = [pair.name for pair in admin.compute.keypairs(user_id=user)]
    for name in names:
        admin.compute.delete_keypair(name, user_id=user)
    return [f"key pair {name}" for name in names]


def sweep(admin: Connection, ours: Callable[[Project], bool], services: frozenset[str]) -> list[str]:
    """Remove the projects (with users named after them) that a check left behind; return what was removed."""
    removed: list[str] = []
    projects = [project for project in identity(admin).projects() if ours(project)]
    # A directory may hold very many users: asked for only when there is something to sweep.
    users = list(identity(admin).users()) if projects else []
    for project in projects:
        owned = [user.id for user in users if user.name.startswith(project.name)]
        try:
            removed += remove_project(admin, project, services, owned)
        except exceptions.NotFoundException:
            # Somebody else removed it meanwhile: what was wanted.
            continue
    return removed


@contextmanager
def uninterrupted(emit: Emit) -> Iterator[None]:
    """Let Ctrl-C wait until the body is done; signals can only be held in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told = Event("removal", "noted", "removing what was made first; this takes a few seconds")
    before = signal.signal(signal.SIGINT, lambda *_: emit(told))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
