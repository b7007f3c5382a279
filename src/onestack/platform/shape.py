"""The one shape of a service: databases, processes, configuration, endpoint, and how one knows it is ready.

Declarations are data and pure functions of a `View`; `onestack.platform.graph` makes tasks of them, on the hosts that
`onestack.platform.layout` assigns. A service is one module under `onestack.platform.services` with one `SERVICE`, an
infrastructure service one under `onestack.platform.infrastructure`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from onestack.core.events import Emit
from onestack.platform.view import View
from onestack.spec.model import ROLES, HostRole

if TYPE_CHECKING:
    from openstack.connection import Connection

    from onestack.platform.node import Node
    from onestack.platform.site import Site

CONTROL: frozenset[HostRole] = frozenset({"control"})
COMPUTE: frozenset[HostRole] = frozenset({"compute"})
EVERY: frozenset[HostRole] = frozenset(ROLES)

Scope = Literal["each", "leader"]
"""On each host that has one of the roles, or on the leader alone."""


@dataclass(frozen=True)
class Need:
    """A process that must be ready, or a step that must be done, before something.

    `local`: the one of the same host. `leader`: the leader's. `all`: those of all hosts that have it.
    """

    name: str
    where: Literal["local", "leader", "all"] = "local"


def local(*names: str) -> tuple[Need, ...]:
    """Needs of the same host."""
    return tuple(Need(name) for name in names)


def leader(*names: str) -> tuple[Need, ...]:
    """Needs of the leader."""
    return tuple(Need(name, "leader") for name in names)


@dataclass(frozen=True)
class Ready:
    """When a process counts as ready. One of: an HTTP answer on a unix socket, a socket that accepts, a
    command that exits 0 (run inside the namespace), a file that is written again and again."""

    http: tuple[str, str] | None = None
    """(unix socket inside the namespace, path)"""
    socket: str | None = None
    command: tuple[str, ...] | None = None
    written: tuple[str, float] | None = None
    """(file inside the namespace, how many seconds ago it was last written at the most)"""
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
    """What comes before this one is started."""
    roles: frozenset[HostRole] = CONTROL
    """It runs on hosts that have one of these."""
    scope: Scope = "each"
    environment: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    """Files and folders inside the namespace that it reads when it starts, beside the files of its declaration."""
    stop_seconds: int = 15
    """How long it may take to end after SIGTERM, in seconds, before SIGKILL."""
    hang_seconds: float = 60.0
    """How long its readiness check may fail once it was ready, in seconds, before it is restarted."""
    tree: str = ""
    """Which tree is its root: the base, or one beside it (`host.base.TREES`), for what only some hosts run."""


@dataclass(frozen=True)
class Step:
    """Work on a host that is no process: done when `run` returns. Where it was done before, it changes nothing."""

    name: str
    run: Callable[[Site, Node, Emit], None]
    needs: tuple[Need, ...] = ()
    roles: frozenset[HostRole] = CONTROL
    scope: Scope = "each"


@dataclass(frozen=True)
class Folder:
    """A folder that processes find. `path`: inside the namespace. `owner`, `group`: names in the base, or in the
    tree beside it that is named."""

    path: str
    owner: str = "root"
    group: str = "root"
    mode: int = 0o755
    tree: str = ""


@dataclass(frozen=True)
class InfrastructureService:
    """What runs beneath OpenStack, or beside it: one module in `onestack.platform.infrastructure`, one `SERVICE`."""

    name: str
    processes: Callable[[View], tuple[Process, ...]]
    """Empty where the cloud does without it."""
    files: Callable[[View], Mapping[str, str]] = lambda view: {}
    """Configuration files: path below /etc/onestack, or a whole path inside the namespace -> text."""
    steps: Callable[[View], tuple[Step, ...]] = lambda view: ()
    folders: tuple[Folder, ...] = ()
    stays_with_guests: bool = False
    """Whether it goes on where only guests do: without it their packets go nowhere."""


@dataclass(frozen=True)
class Database:
    """One MariaDB schema and the command that brings it to the release's version."""

    name: str
    user: str


@dataclass(frozen=True)
class Endpoint:
    """What the API gateway serves below /<path>; `suffix` is what the catalogue's URL adds to it."""

    path: str
    suffix: str = ""
    listed: bool = True
    """Whether it stands in Keystone's catalogue: an API does, a web page does not."""
    files: str | None = None
    """A path whose answers are the same for everybody: the API gateway may keep them."""


@dataclass(frozen=True)
class Service:
    """One OpenStack project as this cloud runs it."""

    type: str
    """The service type, as in OpenStack's catalogue: compute."""
    name: str
    """The project: nova."""
    aliases: tuple[str, ...] = ()
    """Other service types of the same API, as in the service types authority: clients ask the catalogue by them."""
    requires: tuple[str, ...] = ()
    """Service types without which it cannot work."""
    databases: tuple[Database, ...] = ()
    migrations: Callable[[View], tuple[tuple[str, ...], ...]] = lambda view: ()
    """Commands that bring its databases from empty (or an older release) to this release, in order."""
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
    """What `verify --quick` tries with it, as an ordinary tenant and beside a second one that must see nothing of it;
    returns what was seen. Raises OneStackError, openstacksdk's errors. What it makes is its own to remove."""

    @property
    def listed_as(self) -> tuple[tuple[str, str], ...]:
        """(service type, name) of each entry in Keystone's catalogue, the service type proper first.

        Names differ, so that `openstack service show cinder` finds one.
        """
        return ((self.type, self.name), *((alias, f"{self.name}-{alias}") for alias in self.aliases))
