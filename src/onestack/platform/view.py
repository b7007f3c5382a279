"""What declarations are rendered with: the cloud, the host they are rendered for, and the other hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from onestack.platform.backing import Backing, Cluster, Embedded, Replicated
from onestack.platform.places import database_secret
from onestack.spec.model import ROLES, HostRole
from onestack.spec.monitoring import Receiver, RemoteWrite

if TYPE_CHECKING:
    from onestack.platform.shape import Endpoint

VirtType = Literal["kvm", "qemu", "fake"]
Datapath = Literal["system", "netdev"]
"""OVS's names of the kernel's and the userspace datapath."""


@dataclass(frozen=True)
class External:
    """The external network, from which floating IPs are allocated."""

    cidr: str
    gateway: str
    pool_start: str
    pool_end: str
    interface: str | None = None
    """A NIC of the host that is plugged into it."""
    nat: bool = False
    """Whether there is source NAT from it to the outside."""


@dataclass(frozen=True)
class Monitoring:
    """The cloud's own Prometheus. `retention`: seconds. `size`: MiB. `targets`: further scrape targets, host:port.
    `receivers`: who is told of alerts. `remote_write`: where metrics are sent."""

    port: int
    exporter_port: int
    retention: int
    size: int
    targets: tuple[str, ...] = ()
    alerts_port: int = 9493
    receivers: tuple[Receiver, ...] = ()
    remote_write: RemoteWrite | None = None


@dataclass(frozen=True)
class HealingView:
    """What happens to the guests of a lost host. `share`: of the hosts that may look lost, 0 to 1. `by_lease`:
    whether the expiry of a lease proves that guests have ended. `at_once`: evacuations at the same time."""

    share: float
    by_lease: bool
    at_once: int


@dataclass(frozen=True)
class Ceph:
    """`user`: without the prefix `client.`. `secret`: the UUID of libvirt's secret with the user's key. `cluster`: by
    which name Ceph's programs find its configuration and keys."""

    pool: str
    user: str
    secret: str
    cluster: str = "ceph"


@dataclass(frozen=True)
class ManagedCeph:
    """The Ceph cluster on the cloud's own hosts. `monitors`: the names of the hosts that have one. `osd_memory`: what
    an OSD may use, in MiB."""

    monitors: tuple[str, ...]
    osd_memory: int = 1024


@dataclass(frozen=True)
class DiskView:
    """What a host gives to the managed Ceph: a device, or a file of `size` bytes. `name`: unique on its host."""

    name: str
    path: str
    size: int | None = None


@dataclass(frozen=True)
class VolumeBackend:
    """A Cinder backend: a pool of a Ceph cluster (`ceph`), a volume group of the host (`group`), or else files of
    this cloud."""

    name: str
    ceph: Ceph | None = None
    group: str | None = None


@dataclass(frozen=True)
class CloudView:
    """The part of a view that is the same on all hosts."""

    series: str
    leader: str
    """The name of the leader: the control host with the processes that exist once in a cloud."""
    gateway: str
    """The URL of the API gateway, without a trailing slash: http://127.0.0.1:8080"""
    services: frozenset[str]
    """The chosen service types."""
    secrets: Mapping[str, str]
    external: External
    fake_hosts: int = 0
    """The number of the fake driver's hypervisors; 0 with real guests."""
    region: str = "RegionOne"
    cpu_allocation_ratio: float = 4.0
    ram_allocation_ratio: float = 1.0
    mtu: int = 1500
    dns_servers: tuple[str, ...] = ()
    """The DNS servers of subnets that name none."""
    balancer_providers: tuple[str, ...] = ("haproxy",)
    """Octavia's provider drivers; the first is the default."""
    volume_backends: tuple[VolumeBackend, ...] = (VolumeBackend("file"),)
    """Cinder's backends; the first is the default."""
    ca_file: str | None = None
    """The CA bundle for clients of the API gateway, if it uses TLS."""
    monitoring: Monitoring | None = None
    """None: without Prometheus."""
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    """All APIs and web pages behind the API gateway, by project name."""
    binds: tuple[str, ...] = ()
    """The API gateway's addresses, as arguments of HAProxy's `bind`."""
    address: str | None = None
    """The virtual address of the APIs, with several control hosts: one of them has it."""
    generation: int = 0
    """How often the cloud was recovered. The clusters of control hosts are other ones each time, so that a lost host
    that comes back does not bring its members and their older data with it."""
    ceph: ManagedCeph | None = None
    """The managed Ceph; None: images and servers' disks are files."""
    logins: Mapping[str, str | int | None] = field(default_factory=dict)
    """Keystone's `[security_compliance]`."""
    healing: HealingView | None = None
    """None: guests of a lost host stay away until it returns."""
    tuning: str = "full"
    """`none`: without the replacements of kind performance; `full -NAME`: without the named ones, to measure their
    gain."""


@dataclass(frozen=True)
class HostView:
    """One host, as declarations see it."""

    name: str
    address: str
    """The address by which other hosts reach it."""
    virt_type: VirtType
    datapath: Datapath
    roles: frozenset[HostRole] = frozenset(ROLES)
    underlay: str | None = None
    """The NIC that carries traffic between hosts, if the spec names it."""
    disks: tuple[DiskView, ...] = ()
    """What it gives to the managed Ceph."""
    given_up: bool = False
    """Whether it was lost when the cloud was recovered without it: a control host without a member of any cluster,
    until `up` reaches it again or another one takes its place."""


@dataclass(frozen=True)
class View:
    """The input of declarations. `here`: the host that they are rendered for. `peers`: all other hosts."""

    cloud: CloudView
    here: HostView
    peers: tuple[HostView, ...] = ()

    @property
    def hosts(self) -> tuple[HostView, ...]:
        """All hosts, sorted by name, so that the order is the same on each."""
        return tuple(sorted((self.here, *self.peers), key=lambda each: each.name))

    @property
    def leader(self) -> HostView:
        """The leader. Raises LookupError if it is not among the hosts."""
        return next(each for each in (self.here, *self.peers) if each.name == self.cloud.leader)

    @property
    def leads(self) -> bool:
        """Whether this host is the leader."""
        return self.here.name == self.cloud.leader

    @property
    def control(self) -> bool:
        """Whether this host has the role control: databases and APIs."""
        return "control" in self.here.roles

    @property
    def controls(self) -> tuple[HostView, ...]:
        """The control hosts, sorted by name, but for those that were given up."""
        return tuple(
            each
            for each in self.hosts
            if "control" in each.roles and (each is self.here or not each.given_up)
        )

    @property
    def storage(self) -> tuple[HostView, ...]:
        """The hosts that store the data of the managed Ceph, sorted by name."""
        if self.cloud.ceph is None:
            return ()
        return tuple(each for each in self.hosts if "storage" in each.roles and each.disks)

    @property
    def replicated(self) -> bool:
        """Whether there are several control hosts: then each has a copy of the databases and of the bus. It stays so
        where all but one were given up."""
        return sum("control" in each.roles for each in self.hosts) > 1

    @property
    def backing(self) -> Backing:
        """The URLs of databases, bus, OVN and caches for this host."""
        if not self.peers:
            return Embedded()
        if not self.replicated:
            return Cluster(self.here.name, self.leader.name, self.leader.address, self.cloud.secrets)
        addresses = {each.name: each.address for each in self.controls}
        return Replicated(self.here.name, addresses, self.cloud.secrets)

    @property
    def consoles(self) -> bool:
        """Whether there are guests whose consoles can be opened."""
        return "compute" in self.cloud.services and not self.cloud.fake_hosts

    def database_url(self, name: str, user: str) -> str:
        """The SQLAlchemy URL of a database, for its user."""
        return self.backing.database_url(name, user, self.cloud.secrets[database_secret(user)])
