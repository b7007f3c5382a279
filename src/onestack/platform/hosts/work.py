"""What is done on one host while a cloud comes up, is stopped or goes away; on this host directly."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Protocol, TypeVar

from onestack.core.errors import PermanentError
from onestack.core.events import Emit, Event
from onestack.host import systemd
from onestack.platform import catalogue, layout, prepare, readiness, watchers
from onestack.platform.hosts import tool
from onestack.platform.hosts.members import Member, members_here
from onestack.platform.shape import Process, Step
from onestack.platform.site import Site

Named = TypeVar("Named", Process, Step)


class HostWork(Protocol):
    """One host, as `up` works on it. Each raises OneStackError for what fails there."""

    name: str

    def prepare(self, emit: Emit) -> None:
        """Have folders, configuration, namespaces and a supervisor that knows the host's processes."""

    def start(self, process: str, emit: Emit) -> None:
        """Start a process unless it runs, and wait until it is ready."""

    def step(self, name: str, emit: Emit) -> None:
        """Do a step."""

    def state(self, service: str) -> str:
        """What the host's member of an infrastructure service has (see `shape.Form`)."""

    def begin(self, service: str, emit: Emit) -> None:
        """Begin the cluster of an infrastructure service with the host's member."""

    def members(self) -> list[Member]:
        """What the host's members of the control hosts' clusters have. Changes nothing."""

    def finish(self, emit: Emit) -> None:
        """Start what watches the processes, and have all come back at boot."""


class Here:
    """This host."""

    def __init__(self, site: Site) -> None:
        self.name = site.here.name
        self._site = site

    def prepare(self, emit: Emit) -> None:
        prepare.prepare(self._site, emit)

    def start(self, process: str, emit: Emit) -> None:
        found = _named(process, layout.processes(self._site.view))
        readiness.start(self._site.here, found, emit)

    def step(self, name: str, emit: Emit) -> None:
        _named(name, layout.steps(self._site.view)).run(self._site, self._site.here, emit)

    def state(self, service: str) -> str:
        return catalogue.form(service).state(self._site, self._site.here)

    def begin(self, service: str, emit: Emit) -> None:
        catalogue.form(service).begin(self._site, self._site.here, emit)

    def members(self) -> list[Member]:
        return members_here(self._site)

    def finish(self, emit: Emit) -> None:
        watchers.launch(self._site)
        paths = self._site.paths
        if systemd.install(paths, sys.executable):
            emit(Event("systemd", "noted", f"{systemd.name(paths)} brings the cloud back at boot"))
        systemd.begun(paths)
        if gone := tool.tidy(paths, self.name):
            emit(Event("tool", "noted", f"removed {len(gone)} older copies of OneStack in {gone[0].parent}"))


def _named(name: str, found: Sequence[Named]) -> Named:
    """The one with a name. Raises PermanentError where this host has none: it knows another spec or release."""
    for each in found:
        if each.name == name:
            return each
    raise PermanentError(f"this host has no {name}", hint="run `onestack up` again: it tells the host anew")
