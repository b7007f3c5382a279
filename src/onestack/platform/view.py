"""What declarations are rendered with: the cloud, the host they are rendered for, and the other hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from onestack.platform.backing import Backing, Cluster, Embedded
from onestack.spec.model import ROLES, HostRole

if TYPE_CHECKING:
    from onestack.platform.shape import Endpoint

VirtType = Literal["kvm", "qemu", "fake"]
Datapath = Literal["system", "netdev"]
"""As OVS calls the kernel's and the userspace one."""


@dataclass(frozen=True)
class External:
    """The external network: floating IPs come from it, the network host is its gateway."""

    cidr: str
    gateway: str
    pool_start: str
    pool_end: str
    interface: str | None = None
    """A NIC of the host that is a port of it."""
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
    the host's (`group`)."""

    name: str
    ceph: Ceph | None = None
    group: str | None = None


@dataclass(frozen=True)
class CloudView:
    """What is the same on every host."""

    series: str
    leader: str
    """The name of the host that has what a cloud has once: a control host."""
    gateway: str
    """URL under which every API is reached, without a trailing slash: http://127.0.0.1:8080"""
    services: frozenset[str]
    """The chosen service types."""
    secrets: Mapping[str, str]
    external: External
    fake_hosts: int = 0
    """How many hypervisors Nova's fake driver shows; 0 where guests are real."""
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
    """A CA bundle that clients of the API gateway need, where it speaks TLS."""
    monitoring: Monitoring | None = None
    """None: without Prometheus."""
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    """Every API and page behind the API gateway, by project name."""
    binds: tuple[str, ...] = ()
    """What the API gateway listens on, in HAProxy's words."""
    tuning: str = "full"
    """`none`: without replacements that are for performance alone; `full -NAME`: without those, to measure them."""


@dataclass(frozen=True)
class HostView:
    """One host, as declarations know it."""

    name: str
    address: str
    """By which other hosts reach it."""
    virt_type: VirtType
    datapath: Datapath
    roles: frozenset[HostRole] = frozenset(ROLES)
    underlay: str | None = None
    """The NIC that carries the other hosts' traffic, where the spec names it."""


@dataclass(frozen=True)
class View:
    """Everything a declaration may know. `here`: the host it is rendered for. `peers`: all others."""

    cloud: CloudView
    here: HostView
    peers: tuple[HostView, ...] = ()

    @property
    def hosts(self) -> tuple[HostView, ...]:
        """All of them, by name: every host sees them in the same order."""
        return tuple(sorted((self.here, *self.peers), key=lambda each: each.name))

    @property
    def leader(self) -> HostView:
        """The host that has what a cloud has once. Raises LookupError where it is not among the hosts."""
        return next(each for each in (self.here, *self.peers) if each.name == self.cloud.leader)

    @property
    def leads(self) -> bool:
        """Whether that is this host."""
        return self.here.name == self.cloud.leader

    @property
    def control(self) -> bool:
        """Whether this host has databases and APIs."""
        return "control" in self.here.roles

    @property
    def backing(self) -> Backing:
        """How databases, bus, OVN and caches are reached from here."""
        if not self.peers:
            return Embedded()
        return Cluster(self.here.name, self.leader.name, self.leader.address, self.cloud.secrets)

    @property
    def consoles(self) -> bool:
        """Whether there are guests whose consoles can be opened."""
        return "compute" in self.cloud.services and not self.cloud.fake_hosts

    def database_url(self, name: str, user: str) -> str:
        """The SQLAlchemy URL of a database, for its user."""
        return self.backing.database_url(name, user, self.cloud.secrets[f"database/{user}"])
