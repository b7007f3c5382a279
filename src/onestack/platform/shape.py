"""The one shape of a service: databases, processes, configuration, endpoint, and how one knows it is ready.

Declarations are data and pure functions of a `View`; `onestack.platform.bringup` runs them. A service is
one module under `onestack.platform.services` with one `SERVICE`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from onestack.core import contract
from onestack.core.events import Emit

if TYPE_CHECKING:
    from onestack.platform.site import Site

# Places inside the cloud's mount namespace (see onestack.core.paths).
ETC = contract.ETC
LIB = contract.LIB
RUN = contract.RUN
ENVIRONMENT = contract.ENVIRONMENT


@dataclass(frozen=True)
class External:
    """The external network: floating IPs come from it, the machine itself is its gateway."""

    cidr: str
    gateway: str
    pool_start: str
    pool_end: str
    interface: str | None = None
    """A network card of the machine that is plugged into it."""
    nat: bool = False
    """Whether its addresses are translated on their way to the outside."""


@dataclass(frozen=True)
class Monitoring:
    """The cloud's own Prometheus. `retention`: seconds. `size`: MiB. `targets`: host:port, scraped too."""

    port: int
    exporter_port: int
    retention: int
    size: int
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ceph:
    """`user`: without the `client.` before it. `secret`: the UUID under which libvirt knows the user's key."""

    pool: str
    user: str
    secret: str


@dataclass(frozen=True)
class VolumeBackend:
    """A place where volumes are kept: files of this cloud, or a pool of a Ceph cluster (`ceph`), or a volume group of
    the machine's (`group`)."""

    name: str
    ceph: Ceph | None = None
    group: str | None = None


@dataclass(frozen=True)
class View:
    """Everything a declaration may know about the cloud it is rendered for."""

    series: str
    host: str
    address: str
    front: str
    """URL under which every API is reached, without a trailing slash: http://127.0.0.1:8080"""
    services: frozenset[str]
    """The chosen service types."""
    secrets: Mapping[str, str]
    virt_type: Literal["kvm", "qemu", "fake"]
    fake_hosts: int
    datapath: Literal["system", "netdev"]
    external: External
    region: str = "RegionOne"
    cpu_allocation_ratio: float = 4.0
    ram_allocation_ratio: float = 1.0
    mtu: int = 1500
    dns_servers: tuple[str, ...] = ()
    """What subnets hand out that name no DNS servers."""
    balancer_providers: tuple[str, ...] = ("haproxy",)
    """Octavia's provider drivers; the first is the default."""
    volume_backends: tuple[VolumeBackend, ...] = (VolumeBackend("file"),)
    """The places where volumes are kept; the first is the default."""
    ca_file: str | None = None
    """A CA bundle that clients of `front` need, where it speaks TLS."""
    monitoring: Monitoring | None = None
    """None: without Prometheus."""
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    """Every API and page behind the API gateway, by project name."""
    binds: tuple[str, ...] = ()
    """What the API gateway listens on, in HAProxy's words."""
    tuning: str = "full"
    """`none`: without replacements that are for performance alone; `full -NAME`: without those, to measure them."""

    @property
    def consoles(self) -> bool:
        """Whether there are guests whose screens can be looked at."""
        return "compute" in self.services and self.virt_type != "fake"

    def database(self, name: str, user: str) -> str:
        """The SQLAlchemy URL of a database, over MariaDB's socket.

        MariaDB since 11.6 refuses a write to a row that another transaction changed after this one first read
        (error 1020); OpenStack expects the behaviour of before. The driver is MariaDB's own client, in C: Neutron
        alone reads 700 times for one server, and upstream's usual driver does it in Python. Written
        without `%`, which some of OpenStack's tools would interpolate.
        """
        password = self.secrets[f"database/{user}"]
        return (
            f"mysql+mysqldb://{user}:{password}@localhost/{name}"
            f"?unix_socket={RUN}/mysqld/mysqld.sock&charset=utf8"
            "&init_command=SET+innodb_snapshot_isolation=OFF"
        )


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


@dataclass(frozen=True)
class Process:
    """A supervised process inside the namespace."""

    name: str
    command: tuple[str, ...]
    ready: Ready
    needs: tuple[str, ...] = ()
    """Names of processes that must be ready, and of steps that must be done, before this one is started."""
    environment: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    """Files and folders inside the namespace that it reads when it starts, beside the files of its declaration."""
    stop_seconds: int = 15
    """How long it may take to end after SIGTERM, in seconds, before SIGKILL."""
    hang_seconds: float = 60.0
    """How long its readiness check may fail once it was ready, in seconds, before it is started anew."""


@dataclass(frozen=True)
class Step:
    """Work on the host that is no process: done when `run` returns. Where it was done before, it changes nothing."""

    name: str
    run: Callable[[Site, Emit], None]
    needs: tuple[str, ...] = ()
    """Names of processes and steps that come first."""


@dataclass(frozen=True)
class InfrastructureService:
    """What runs beneath OpenStack, or beside it: one module in `onestack.platform.infrastructure`, one `SERVICE`."""

    name: str
    processes: Callable[[View], tuple[Process, ...]]
    """Empty where the cloud does without it."""
    files: Callable[[View], Mapping[str, str]] = lambda view: {}
    """Configuration files: path below /etc/onestack, or a whole path inside the namespace -> text."""
    steps: Callable[[View], tuple[Step, ...]] = lambda view: ()
    stays_with_guests: bool = False
    """Whether it goes on where only guests do: without it their packets go nowhere."""


@dataclass(frozen=True)
class Database:
    """One MariaDB schema and the command that brings it to the release's version."""

    name: str
    user: str


@dataclass(frozen=True)
class Endpoint:
    """What is reached at <front>/<path>; `suffix` is what the catalogue's URL adds to it."""

    path: str
    socket: str
    suffix: str = ""
    listed: bool = True
    """Whether it stands in Keystone's catalogue: an API does, a web page does not."""
    files: str | None = None
    """A path whose answers are the same for everybody: the front may keep them."""


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
    processes: Callable[[View], tuple[Process, ...]] = lambda view: ()
    steps: Callable[[View], tuple[Step, ...]] = lambda view: ()
    endpoint: Endpoint | None = None
    user: str | None = None
    """Its user in the project `service`, whose password is the secret user/<name>."""
    secrets: tuple[str, ...] = ()
    """Names of secrets it needs besides those of its databases and its user."""

    @property
    def listed_as(self) -> tuple[tuple[str, str], ...]:
        """(service type, name) of each entry in Keystone's catalogue, the service type proper first.

        Names differ, so that `openstack service show cinder` finds one.
        """
        return ((self.type, self.name), *((alias, f"{self.name}-{alias}") for alias in self.aliases))
