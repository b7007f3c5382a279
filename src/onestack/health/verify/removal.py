"""Removes a project with all its resources: the only way in which checks clean up.

It lists the cloud's resources instead of remembering what was created, so that it works the same after a check that
succeeded, failed, was interrupted or was killed.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from openstack import exceptions
from openstack.connection import Connection
from openstack.identity.v3.project import Project

from onestack.core.events import Emit, Event
from onestack.core.wait import until
from onestack.health.verify.sdk import identity
from onestack.workloads.kind import discovery
from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.discovery import Kinds
from onestack.workloads.openstack.rest import Rest

GONE_SECONDS = 120.0
"""How long the deletion of servers may take: a guest under software emulation on a busy machine."""


@dataclass(frozen=True)
class Resource:
    """A resource of a project, and how it is removed."""

    kind: str
    name: str
    delete: Callable[[], object] = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Holdings:
    """The resources of one project, read through a connection: the project's own, or (`everyone`) an
    administrator's."""

    cloud: Connection
    project_id: str
    services: frozenset[str]
    everyone: bool = False
    kinds: Kinds = field(default_factory=discovery.kinds)

    def batches(self) -> Iterator[tuple[Kind, list[Resource]]]:
        """The resources kind by kind, in an order in which they can be removed; each kind is listed when its turn
        comes."""
        for kind in discovery.in_order_of_removal(self.kinds):
            if kind.service in self.services:
                yield kind, self._of(kind)

    def all(self) -> list[Resource]:
        """All resources that the project has now."""
        return [resource for _, batch in self.batches() for resource in batch]

    def remove(self) -> list[Resource]:
        """Remove everything, servers first, and wait for it; returns what was removed. Raises Unready."""
        removed: list[Resource] = []
        for kind, batch in self.batches():
            for resource in batch:
                resource.delete()
            if batch and kind.asynchronous:
                again = partial(self._of, kind)
                until(f"the {kind.name}s to be gone", partial(_none, again), seconds=GONE_SECONDS, every=0.5)
            removed += batch
        return removed

    def _of(self, kind: Kind) -> list[Resource]:
        rest = Rest(self.cloud, kind.service)
        return [
            Resource(kind.name, removal.name, partial(kind.remove, removal, rest))
            for removal in kind.removals(rest, self.project_id, everyone=self.everyone)
        ]


def _none(listed: Callable[[], list[Resource]]) -> tuple[bool, str]:
    left = listed()
    return not left, ", ".join(str(each) for each in left)


def remove_project(
    admin: Connection, project: Project, services: frozenset[str], users: Iterable[str]
) -> list[str]:
    """Remove a project with its resources and the users (by id); returns what was removed, in words."""
    removed = [str(resource) for resource in Holdings(admin, project.id, services, everyone=True).remove()]
    for user in users:
        removed += remove_user(admin, user, services)
    identity(admin).delete_project(project.id)
    return [*removed, f"project {project.name}"]


def remove_user(admin: Connection, user: str, services: frozenset[str]) -> list[str]:
    """Remove a user, by id, with its key pairs; returns the removed key pairs, in words."""
    removed = _remove_keypairs(admin, user) if "compute" in services else []
    identity(admin).delete_user(user)
    return removed


def _remove_keypairs(admin: Connection, user: str) -> list[str]:
    names = [pair.name for pair in admin.compute.keypairs(user_id=user)]
    for name in names:
        admin.compute.delete_keypair(name, user_id=user)
    return [f"key pair {name}" for name in names]


def sweep(admin: Connection, ours: Callable[[Project], bool], services: frozenset[str]) -> list[str]:
    """Remove the projects, and the users named after them, that a check left behind; returns what was removed."""
    removed: list[str] = []
    projects = [project for project in identity(admin).projects() if ours(project)]
    # There may be very many users: they are listed only if there is something to sweep.
    users = list(identity(admin).users()) if projects else []
    for project in projects:
        owned = [user.id for user in users if user.name.startswith(project.name)]
        try:
            removed += remove_project(admin, project, services, owned)
        except exceptions.NotFoundException:
            # It was removed by somebody else meanwhile.
            continue
    return removed


@contextmanager
def uninterrupted(emit: Emit) -> Iterator[None]:
    """Delay Ctrl-C until the body is done; signals can be blocked only in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    event = Event("removal", "noted", "removing created resources first; this takes a few seconds")
    before = signal.signal(signal.SIGINT, lambda *_: emit(event))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
