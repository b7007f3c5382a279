"""The types of declarations: a service with its databases, processes, configuration and endpoint; a process with its
readiness check.

Declarations are data and pure functions of a `View`; `onestack.platform.graph` makes tasks of them, on the hosts that
`onestack.platform.layout` assigns. A service is one module under `onestack.platform.services` with one `SERVICE`, an
infrastructure service one under `onestack.platform.infrastructure`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from onestack.core.events import Emit
from onestack.platform.view import HostView, View
from onestack.spec.model import ROLES, HostRole

if TYPE_CHECKING:
    from openstack.connection import Connection

    from onestack.platform.node import Node
    from onestack.platform.site import Site

CONTROL: frozenset[HostRole] = frozenset({"control"})
COMPUTE: frozenset[HostRole] = frozenset({"compute"})
STORAGE: frozenset[HostRole] = frozenset({"storage"})
EVERY: frozenset[HostRole] = frozenset(ROLES)

Scope = Literal["each", "leader"]
"""Where something runs: on each host that has one of its roles, or on the leader only."""


@dataclass(frozen=True)
class Need:
    """A dependency: a process that must be ready, or a step that must be done.

    `local`: on the same host. `leader`: on the leader. `all`: on all hosts that have it.
    """

    name: str
    where: Literal["local", "leader", "all"] = "local"


def local(*names: str) -> tuple[Need, ...]:
    """Dependencies on the same host."""
    return tuple(Need(name) for name in names)


def leader(*names: str) -> tuple[Need, ...]:
    """Dependencies on the leader."""
    return tuple(Need(name, "leader") for name in names)


@dataclass(frozen=True)
class Ready:
    """When a process counts as ready. One of: an HTTP response on a unix socket, a unix socket that accepts
    connections, a command (inside the namespace) that exits with 0, a file that is written repeatedly."""

    http: tuple[str, str] | None = None
    """(unix socket inside the namespace, path)"""
    socket: str | None = None
    command: tuple[str, ...] | None = None
    written: tuple[str, float] | None = None
    """(file inside the namespace, the maximum age of its last change in seconds)"""
    seconds: float = 90.0
    """The deadline, in seconds."""
    tree: str = ""
    """In which tree the command is run; see `Process.tree`."""


@dataclass(frozen=True)
class Process:
    """A supervised process inside the namespace."""

    name: str
    command: tuple[str, ...]
    ready: Ready
    needs: tuple[Need, ...] = ()
    """Its dependencies."""
    roles: frozenset[HostRole] = CONTROL
    """It runs on hosts that have one of these."""
    scope: Scope = "each"
    environment: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    """Files and folders inside the namespace that it reads at its start, in addition to its declaration's."""
    stop_seconds: int = 15
    """How long it may take to end after SIGTERM, in seconds, before SIGKILL."""
    hang_seconds: float = 60.0
    """How long its readiness check may fail once it was ready, in seconds, before it is restarted."""
    tree: str = ""
    """Which tree is its root: the base, or one beside it (`host.base.TREES`), for what only some hosts run."""


@dataclass(frozen=True)
class Step:
    """A task of the bring-up that is not a process: it is done when `run` returns. Idempotent."""

    name: str
    run: Callable[[Site, Node, Emit], None]
    needs: tuple[Need, ...] = ()
    roles: frozenset[HostRole] = CONTROL
    scope: Scope = "each"


@dataclass(frozen=True)
class Folder:
    """A folder that processes find. `path`: inside the namespace. `owner`, `group`: names in the base, or in the
    tree beside it that is named. `keeps_owner`: one that exists is left to who has it, since that process may run
    until later; a step changes it."""

    path: str
    owner: str = "root"
    group: str = "root"
    mode: int = 0o755
    tree: str = ""
    keeps_owner: bool = False


@dataclass(frozen=True)
class Form:
    """How the members of an infrastructure service become one cluster.

    The leader collects the state of each member, and if none is in a cluster chooses the one that begins it; the
    others join. It is a task of the bring-up, `form NAME`.
    """

    state: Callable[[Site, Node], str]
    """What a control host's member has, in words of the service's own."""
    choose: Callable[[Mapping[str, str], str], str | None]
    """(states by host, the leader) -> the host that begins the cluster; None where there is one already. Pure."""
    begin: Callable[[Site, Node, Emit], None]
    """Begin the cluster on this host, with the data that it has."""
    needs: tuple[Need, ...] = ()
    members: Callable[[View], frozenset[str]] | None = None
    """The names of the hosts with a member; None: the control hosts, where there are several."""
    whole: bool = False
    """Whether a cluster is only begun where all members were asked: one that is away may have the data."""
    in_turn: str = ""
    """The process that starts on one control host after the other, each when the one before is ready: members that
    copy data at the same time hinder each other. Empty: all start at once."""

    @staticmethod
    def task(name: str) -> str:
        """The task's name, for the dependencies of what may only start after it."""
        return f"form {name}"


@dataclass(frozen=True)
class InfrastructureService:
    """An infrastructure service, which runs beneath or beside OpenStack: one module in
    `onestack.platform.infrastructure`, one `SERVICE`."""

    name: str
    processes: Callable[[View], tuple[Process, ...]]
    """Empty if the cloud does not use it."""
    files: Callable[[View], Mapping[str, str]] = lambda view: {}
    """Configuration files: path below /etc/onestack, or absolute path inside the namespace -> text."""
    steps: Callable[[View], tuple[Step, ...]] = lambda view: ()
    steps_alone: bool = False
    """Whether its steps are done where it has no process, too."""
    folders: tuple[Folder, ...] = ()
    form: Form | None = None
    """How its members form a cluster, if it needs help with that."""
    members: Callable[[Site, Node], tuple[int, int]] | None = None
    """How many members of its cluster this host's member sees at work, and how many there are; only called where
    there are several control hosts. Raises CommandFailed where this host's member does not answer."""
    withdraw: Callable[[Site, Node, HostView], None] | None = None
    """Takes the member of a control host that does not come back out of the cluster, asked of this host's member.
    Idempotent; the other member's processes must have ended. None: the others notice by themselves. Raises
    CommandFailed."""
    look: Callable[[Site, Node], tuple[str, bool, int]] | None = None
    """What this host's member has, whether it runs or not: in words; whether it is proved to have all that was ever
    written; and how new it is, -1 where that is not known. Changes nothing. None: it has nothing that lasts."""
    stays_with_guests: bool = False
    """Whether it keeps running when only guests do (`down --keep-guests`): without it their packets would be
    dropped."""


@dataclass(frozen=True)
class Database:
    """A MariaDB database and its user."""

    name: str
    user: str


@dataclass(frozen=True)
class Requests:
    """Some of an API's requests. `methods`: all, if empty. `path`: a regular expression that is
    searched in the path."""

    methods: tuple[str, ...] = ()
    path: str = ""


WRITES = Requests(("POST", "PUT", "PATCH", "DELETE"))
"""All requests that change something."""


@dataclass(frozen=True)
class Endpoint:
    """What the API gateway serves below /<path>. `suffix`: the rest of the URL in the catalogue."""

    path: str
    suffix: str = ""
    scope: Scope = "each"
    """On which control hosts its process is (a test compares them): other hosts' API gateways pass requests on."""
    leader_first: bool = False
    """Whether all API gateways use the leader's process while it is healthy, and others only without it: for an API
    whose data are partly on the leader's disk."""
    on_leader: tuple[Requests, ...] = ()
    """The requests that only the leader's process can serve: while it is away they are answered with status 503, so
    that no other host takes data that nobody finds afterwards, or waits for a worker that is not there."""
    listed: bool = True
    """Whether it is in Keystone's catalogue: APIs are, web pages are not."""
    files: str | None = None
    """A path whose responses are the same for all users: the API gateway may cache them."""


@dataclass(frozen=True)
class Service:
    """One OpenStack project as this cloud runs it."""

    type: str
    """The service type, as in OpenStack's catalogue: compute."""
    name: str
    """The project: nova."""
    aliases: tuple[str, ...] = ()
    """Aliases of its service type, as in the Service Types Authority, by which clients look it up in the
    catalogue."""
    requires: tuple[str, ...] = ()
    """The service types that it depends on."""
    databases: tuple[Database, ...] = ()
    migrations: Callable[[View], tuple[tuple[str, ...], ...]] = lambda view: ()
    """Commands that migrate its databases, empty or from an older release, to this release, in order."""
    files: Callable[[View], Mapping[str, str]] = lambda view: {}
    """Configuration files: path below /etc/onestack -> text."""
    folders: tuple[Folder, ...] = ()
    processes: Callable[[View], tuple[Process, ...]] = lambda view: ()
    steps: Callable[[View], tuple[Step, ...]] = lambda view: ()
    endpoint: Endpoint | None = None
    user: str | None = None
    """Its user in the project `service`, whose password is the secret user/<name>."""
    secrets: tuple[str, ...] = ()
    """Names of secrets it needs besides those of its databases and its user."""
    verify: Callable[[Connection, Connection], str] | None = None
    """Tests the service for `verify --quick`, as one ordinary tenant, with another that must not see the first one's
    resources; returns what was observed. It removes what it creates. Raises OneStackError, openstacksdk's errors."""

    @property
    def listed_as(self) -> tuple[tuple[str, str], ...]:
        """(service type, name) of each entry in Keystone's catalogue; the official service type comes first.

        Names differ, so that `openstack service show cinder` finds exactly one.
        """
        return ((self.type, self.name), *((alias, f"{self.name}-{alias}") for alias in self.aliases))
