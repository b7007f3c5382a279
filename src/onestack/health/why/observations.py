"""The observations of a port, a volume and a balancer, and of all that decides whether they work: plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from onestack.health.why.model import Quota


@dataclass(frozen=True)
class Agent:
    """The OVN controller of a host, which sets up its ports. `physical_networks`: those that it has a NIC for."""

    host: str
    alive: bool = True
    last_seen: str = ""
    physical_networks: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Claim:
    """What OVN's southbound database says of a port. `chassis`: the host that claimed it, or empty."""

    chassis: str = ""
    up: bool = False


@dataclass(frozen=True)
class PortObservation:
    """A port, the hosts' agents, and what uses it."""

    id: str
    name: str
    project: str
    status: str
    enabled: bool = True
    owner: str = ""
    host: str = ""
    """The host that it is to be bound on."""
    vif_type: str = ""
    vnic_type: str = "normal"
    addresses: tuple[str, ...] = ()
    network: str = ""
    physical_network: str = ""
    """Of a provider network; empty for an overlay network."""
    server: str = ""
    server_status: str = ""
    agents: tuple[Agent, ...] = ()
    claim: Claim | None = None
    """None: OVN does not know the port, or could not be asked."""
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Backend:
    """A backend of Cinder, as its scheduler sees it. `name`: host@backend. `free`, `total`: GiB, None if unknown."""

    name: str
    up: bool = True
    enabled: bool = True
    disabled_reason: str = ""
    backend_name: str = ""
    zone: str = "nova"
    free: float | None = None
    total: float | None = None


@dataclass(frozen=True)
class Attachment:
    """A server that has the volume."""

    server: str
    name: str
    host: str = ""
    device: str = ""


@dataclass(frozen=True)
class Target:
    """The server that the volume is to be attached to."""

    id: str
    name: str
    status: str
    host: str
    task: str = ""


@dataclass(frozen=True)
class VolumeObservation:
    """A volume, Cinder's backends, and what Cinder told the user about it."""

    id: str
    name: str
    project: str
    status: str
    size: int = 1
    """GiB."""
    age: float = 0.0
    """Seconds since the last change."""
    host: str = ""
    """host@backend#pool; empty if none was chosen."""
    stored_on: str = ""
    """The only host whose servers can use it; empty if all can."""
    volume_type: str = ""
    wanted_backend: str = ""
    """The `volume_backend_name` that its type requires."""
    zone: str = ""
    multiattach: bool = False
    attachments: tuple[Attachment, ...] = ()
    backends: tuple[Backend, ...] = ()
    services_down: tuple[str, ...] = ()
    """Cinder's services that are down, except cinder-volume."""
    messages: tuple[str, ...] = ()
    """What Cinder told the user, the latest first."""
    request_id: str = ""
    quotas: tuple[Quota, ...] = ()
    errors: tuple[str, ...] = ()
    target: Target | None = None


@dataclass(frozen=True)
class Rule:
    """An ingress rule of a security group. `protocol`: empty for any. `low`, `high`: ports, None for any."""

    ethertype: str = "IPv4"
    protocol: str = ""
    low: int | None = None
    high: int | None = None
    prefix: str = ""
    group: str = ""
    """The id of the security group whose ports it admits."""


@dataclass(frozen=True)
class MemberPort:
    """The port that has a member's address. `rules`: ingress, of all its security groups; `groups`: their names."""

    id: str
    status: str
    enabled: bool = True
    filtered: bool = True
    """Whether security groups apply to it."""
    groups: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    server: str = ""
    server_status: str = ""


@dataclass(frozen=True)
class Monitor:
    """A pool's health monitor."""

    type: str
    path: str = ""
    codes: str = ""
    enabled: bool = True


@dataclass(frozen=True)
class Member:
    """A member of a pool. `status`: its operating status. `port`: where it serves. `checked`: the port that the
    health monitor asks. `at`: None if no port of the cloud has its address."""

    name: str
    address: str
    port: int
    status: str
    checked: int = 0
    enabled: bool = True
    weight: int = 1
    at: MemberPort | None = None


@dataclass(frozen=True)
class Pool:
    """A pool; `status`: its operating status; `provisioning`: ERROR if it could not be set up."""

    name: str
    status: str
    provisioning: str = "ACTIVE"
    protocol: str = "HTTP"
    enabled: bool = True
    monitor: Monitor | None = None
    members: tuple[Member, ...] = ()


@dataclass(frozen=True)
class Listener:
    """A listener; `status`: its operating status; `provisioning`: ERROR if it could not be set up."""

    name: str
    protocol: str
    port: int
    status: str
    provisioning: str = "ACTIVE"
    enabled: bool = True


@dataclass(frozen=True)
class BalancerObservation:
    """A balancer and all it has. `source`: the address from which it asks its members; empty where these see their
    clients' own (provider ovn)."""

    id: str
    name: str
    project: str
    provisioning: str
    status: str
    age: float = 0.0
    """Seconds since the last change."""
    enabled: bool = True
    provider: str = ""
    vip: str = ""
    source: str = ""
    source_groups: frozenset[str] = frozenset()
    """The ids of the security groups of its port."""
    listeners: tuple[Listener, ...] = ()
    pools: tuple[Pool, ...] = ()
    errors: tuple[str, ...] = ()
    octavia_states: Mapping[str, str] = field(default_factory=dict)
    """Octavia's processes and agents that do not run, with their state."""
