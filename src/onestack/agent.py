"""What another host does for the cloud: the far side of `onestack.platform.hosts.remote`.

Runs there with the tool's own code, and does what `up` does on a host by the same functions. It can hold the cloud's
lock on its host for as long as it is connected.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

from onestack.core.events import Emit, Event
from onestack.core.paths import Paths
from onestack.health import logs
from onestack.health.process_status import ProcessStatus, process_statuses, watcher_reasons
from onestack.health.securing import audit
from onestack.host.files import replace_private
from onestack.host.lock import held
from onestack.host.machine import agent
from onestack.platform import site, takedown, up
from onestack.platform.choices import choices_file
from onestack.platform.hosts import known, succession
from onestack.platform.hosts.members import Member, members_here
from onestack.platform.hosts.work import Here
from onestack.platform.view import HostView
from onestack.spec import loads


class HostAgent:
    """The verbs, by their methods' names."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._stack = ExitStack()

    def hold(self, emit: Emit, purpose: str, seconds: float) -> None:
        """Hold the cloud's lock on this host until the connection ends. Raises Busy."""
        self._stack.enter_context(held(self._paths.lock, purpose, seconds=seconds))

    def choose(self, emit: Emit, spec: str, name: str, force: bool, mirror: str | None) -> HostView:
        """Check the host, have the release's parts on it, and choose what depends on it. Raises BadInput."""
        wanted = loads(spec, "cloud.yaml")
        up.check(self._paths, wanted, emit, force=force, mirror=mirror, host=name)
        _, choices = up.choose_here(self._paths, wanted, emit, mirror=mirror, host=name)
        up.keep(self._paths, spec, choices)
        return site.load(self._paths).here.view

    def receive(
        self, emit: Emit, hosts: dict[str, Any], secrets: dict[str, str], files: dict[str, str]
    ) -> None:
        """Keep what the leader says: all hosts, this host's secrets, and files below etc."""
        known.save(self._paths, known.of_data(hosts))
        replace_private(self._paths.etc / "secrets.json", json.dumps(secrets, indent=1, sort_keys=True))
        for name, text in files.items():
            place = self._paths.etc / name
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_private(place, base64.b64decode(text).decode())
        self.__dict__.pop("_work", None)

    def succeed(self, emit: Emit, given: str) -> None:
        """Keep what this host needs to become the leader."""
        succession.receive(self._paths, given)

    def prepare(self, emit: Emit) -> None:
        self._work.prepare(emit)

    def start(self, emit: Emit, process: str) -> None:
        self._work.start(process, emit)

    def step(self, emit: Emit, name: str) -> None:
        self._work.step(name, emit)

    def state(self, emit: Emit, service: str) -> str:
        return self._work.state(service)

    def begin(self, emit: Emit, service: str) -> None:
        self._work.begin(service, emit)

    def finish(self, emit: Emit) -> None:
        self._work.finish(emit)

    def status(self, emit: Emit) -> list[ProcessStatus]:
        """How each of its processes is; none where the cloud has nothing on this host."""
        if not choices_file(self._paths).exists():
            return []
        return process_statuses(site.load(self._paths))

    def members(self, emit: Emit) -> list[Member]:
        """What its members of the control hosts' clusters have."""
        return members_here(site.load(self._paths))

    def clock(self, emit: Emit) -> float:
        """The Unix time here."""
        return time.time()

    def watchers(self, emit: Emit) -> list[str]:
        """What is wrong with its keeper and its exporter, in words."""
        return watcher_reasons(site.load(self._paths))

    def logs(
        self, emit: Emit, service: str | None, since: str | None, lines: int, requests: Sequence[str] = ()
    ) -> list[tuple[str, str]]:
        """The last lines that processes wrote, each with its process; see `Cloud.logs`."""
        return logs.recent(self._paths.log, service, since, lines, requests)

    def audit(
        self, emit: Emit, user: str | None, project: str | None, since: str | None, services: bool
    ) -> list[audit.Event]:
        """The events of this host's audit log; see `Securing.audit`."""
        return audit.read(self._paths, audit.Wanted(user, project, since, services))

    def follow(self, emit: Emit, service: str | None) -> None:
        """Each line that a process writes from now on, as an event about the process, until the connection ends."""
        for process, line in logs.follow(logs.read(self._paths.log, service)):
            emit(Event(process, "progressed", line))

    def down(self, emit: Emit, keep_guests: bool) -> None:
        takedown.down(self._paths, emit, keep_guests=keep_guests)

    def end_guests(self, emit: Emit) -> None:
        takedown.end_guests(self._paths, emit)

    def destroy(self, emit: Emit, purge: bool) -> list[str]:
        removed = takedown.destroy(self._paths, emit, purge=purge)
        self._paths.lock.unlink(missing_ok=True)
        return removed

    @cached_property
    def _work(self) -> Here:
        return Here(site.load(self._paths))

    def verbs(self) -> agent.Verbs:
        """As the protocol calls them: events are sent as progress."""
        names = (
            "hold",
            "choose",
            "receive",
            "succeed",
            "prepare",
            "start",
            "step",
            "state",
            "begin",
            "finish",
            "status",
            "clock",
            "watchers",
            "members",
            "logs",
            "audit",
            "follow",
            "down",
            "end_guests",
            "destroy",
        )
        return {name: _spoken(getattr(self, name)) for name in names}


def _spoken(verb: Callable[..., Any]) -> Callable[[dict[str, Any], agent.Say], Any]:
    def call(given: dict[str, Any], say: agent.Say) -> Any:
        def emit(event: Event) -> None:
            say(json.dumps(event.as_dict()))

        return verb(emit, **given)

    return call


if __name__ == "__main__":
    agent.serve(HostAgent(Paths(Path(sys.argv[1]), Path(sys.argv[2]))).verbs())
