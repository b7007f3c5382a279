"""Another host of the cloud, as `up` works on it: over one ssh connection to an agent there."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from pydantic import TypeAdapter

from onestack.core.events import Emit, Event, silent
from onestack.core.graph import Task, execute
from onestack.core.paths import Paths
from onestack.host.machine import RemoteMachine, ssh
from onestack.host.machine.connection import Connection
from onestack.platform.hosts import tool
from onestack.platform.hosts.known import Hosts
from onestack.platform.hosts.members import Member
from onestack.platform.view import HostView
from onestack.spec.model import Host

T = TypeVar("T")

_NOTHING: TypeAdapter[None] = TypeAdapter(None)


def address(host: Host) -> ssh.Address:
    """How a host is reached; what the spec leaves open is the ssh configuration's."""
    return ssh.Address(str(host.address), host.user, host.port)


class RemoteHost:
    """A host with an agent of the tool's own; see `HostWork` and `onestack.agent`."""

    def __init__(self, name: str, connection: Connection, *, same_version: bool = True) -> None:
        self.name = name
        self.same_version = same_version
        """Whether the agent is of this version of the tool."""
        self._connection = connection

    def close(self) -> None:
        """End the connection; what is still under way on the host ends with it."""
        self._connection.close()

    def hold(self, purpose: str, seconds: float) -> None:
        """Hold the cloud's lock there until the connection is closed. Raises Busy."""
        self.ask("hold", {"purpose": purpose, "seconds": seconds}, _NOTHING)

    def choose(self, spec: str, emit: Emit, *, force: bool, mirror: str | None) -> HostView:
        """Check the host, have the release's parts on it, and choose what depends on it. Raises BadInput."""
        given = {"spec": spec, "name": self.name, "force": force, "mirror": mirror}
        return self.ask("choose", given, TypeAdapter(HostView), emit)

    def receive(
        self, hosts: Hosts, secrets: Mapping[str, str], files: Mapping[str, bytes], emit: Emit
    ) -> None:
        """Give it what it must know: all hosts, its secrets, and files by their place below etc."""
        encoded = {name: base64.b64encode(each).decode() for name, each in files.items()}
        given = {"hosts": hosts.as_dict(), "secrets": secrets, "files": encoded}
        self.ask("receive", given, _NOTHING, emit)

    def succeed(self, given: str) -> None:
        """Give it what it needs to become the leader (`succession`)."""
        self.ask("succeed", {"given": given}, _NOTHING)

    def prepare(self, emit: Emit) -> None:
        self.ask("prepare", {}, _NOTHING, emit)

    def start(self, process: str, emit: Emit) -> None:
        self.ask("start", {"process": process}, _NOTHING, emit)

    def step(self, name: str, emit: Emit) -> None:
        self.ask("step", {"name": name}, _NOTHING, emit)

    def state(self, service: str) -> str:
        return self.ask("state", {"service": service}, TypeAdapter(str))

    def begin(self, service: str, emit: Emit) -> None:
        self.ask("begin", {"service": service}, _NOTHING, emit)

    def members(self) -> list[Member]:
        return self.ask("members", {}, TypeAdapter(list[Member]))

    def finish(self, emit: Emit) -> None:
        self.ask("finish", {}, _NOTHING, emit)

    def down(self, emit: Emit, *, keep_guests: bool) -> None:
        """Stop its part of the cloud in order."""
        self.ask("down", {"keep_guests": keep_guests}, _NOTHING, emit)

    def end_guests(self, emit: Emit) -> None:
        """Stop OpenStack's services there, and have guests shut down."""
        self.ask("end_guests", {}, _NOTHING, emit)

    def destroy(self, emit: Emit, *, purge: bool) -> list[str]:
        """Remove its part of the cloud; returns the folders that were removed."""
        return self.ask("destroy", {"purge": purge}, TypeAdapter(list[str]), emit)

    def ask(self, verb: str, given: Mapping[str, Any], kind: TypeAdapter[T], emit: Emit = silent) -> T:
        """The answer to one question, by its verb."""

        def say(text: str) -> None:
            emit(Event(**{**json.loads(text), "host": self.name}))

        return self._connection.ask(verb, given, kind, say)


Require = Callable[[RemoteMachine, Host], None]
"""Raises BadInput where a machine may not be worked on as a host of the cloud."""


def connect(
    host: Host, paths: Paths, emit: Emit, *, copy: bool = True, require: Require | None = None
) -> RemoteHost:
    """A connection to an agent on a host. Raises PermanentError.

    `copy`: the tool is copied to the host first if it is not there, in this version. Commands that change nothing
    take the version that is there.
    """

    def tell(event: Event) -> None:
        emit(replace(event, host=host.name))

    where = address(host)
    with RemoteMachine(host.name, ssh.command(where)) as machine:
        if require is not None:
            require(machine, host)
        there = tool.put(machine, where, paths, tell) if copy else tool.existing(machine, paths)
    words = there.command("onestack.agent", str(paths.root), str(paths.cache))
    connection = Connection(host.name, ssh.through(where, f"exec {shlex.join(words)}"))
    return RemoteHost(host.name, connection, same_version=there == tool.place(paths))


@contextmanager
def connected(
    hosts: Sequence[Host], paths: Paths, emit: Emit, *, copy: bool = True, require: Require | None = None
) -> Iterator[tuple[list[RemoteHost], dict[str, BaseException]]]:
    """Connections to agents on all these hosts, and why there is none, by the host's name. See `connect`."""
    found: dict[str, RemoteHost] = {}

    def one(host: Host) -> None:
        found[host.name] = connect(host, paths, emit, copy=copy, require=require)

    failed = execute([Task(each.name, partial(one, each)) for each in hosts], workers=max(1, len(hosts)))
    try:
        yield [found[each.name] for each in hosts if each.name in found], dict(failed)
    finally:
        for each in found.values():
            each.close()
