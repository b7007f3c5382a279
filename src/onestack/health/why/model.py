"""The observation of a server and of the hosts it could run on, and the diagnosis of any kind: plain data.

The observations of the other kinds are in `observations`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from onestack.capacity import Inventory


@dataclass(frozen=True)
class Host:
    """A compute host as Nova and Placement know it now."""

    name: str
    zone: str = "nova"
    enabled: bool = True
    disabled_reason: str = ""
    up: bool = True
    forced_down: bool = False
    inventories: Mapping[str, Inventory] = field(default_factory=dict)
    traits: frozenset[str] = frozenset()
    provider: str = ""


@dataclass(frozen=True)
class Group:
    """A server group. `hosts`: the names of its other members, by host. `max_per_host`: its rule of that name."""

    name: str
    policy: str
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    max_per_host: int = 1


@dataclass(frozen=True)
class Request:
    """What a server requires of a host: amounts by resource class, traits, and a provider if one was named."""

    resources: Mapping[str, int] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    provider: str = ""


@dataclass(frozen=True)
class Filter:
    """A filter of Nova's scheduler, and the number of hosts before and after it."""

    name: str
    before: int
    after: int


@dataclass(frozen=True)
class Records:
    """What the services logged about one request. `placement_request`: what Nova requested from Placement."""

    placement_request: Request | None = None
    no_candidates: bool = False
    filters: tuple[Filter, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quota:
    """A quota of the project; `limit` -1: unlimited."""

    name: str
    limit: int
    used: int

    @property
    def full(self) -> bool:
        return 0 <= self.limit <= self.used


@dataclass(frozen=True)
class Port:
    """A port of the server. `binding`: Neutron's vif_type."""

    id: str
    status: str
    binding: str


@dataclass(frozen=True)
class ServerObservation:
    """A server, and all that decides whether it can be scheduled. `age`: seconds since its creation.

    `failed_at`: when its fault was recorded."""

    id: str
    name: str
    project: str
    status: str
    age: float = 0.0
    host: str = ""
    task: str = ""
    fault: str = ""
    failed_at: str = ""
    request_id: str = ""
    zone: str = ""
    """The requested availability zone."""
    request: Request = Request()
    hosts: tuple[Host, ...] = ()
    group: Group | None = None
    quotas: tuple[Quota, ...] = ()
    ports: tuple[Port, ...] = ()
    services_down: tuple[str, ...] = ()
    """Nova's services that are down, except nova-compute."""
    records: Records = Records()


@dataclass(frozen=True)
class HostReason:
    """Why a host cannot take the server now; without reasons it can."""

    host: str
    zone: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """Something that the subject consists of or needs: a member of a balancer, a backend for volumes. Without reasons
    it is in order."""

    part: str
    status: str
    reasons: tuple[str, ...] = ()


FINE = ("none", "building", "unused", "off")
"""Causes that are none: nothing is wrong, or nothing yet, or nobody uses it now."""


@dataclass(frozen=True)
class Diagnosis:
    """`cause`: an identifier for programs. `verdict`: one sentence. `hint`: what to do next."""

    what: str
    status: str
    cause: str
    verdict: str
    hint: str = ""
    hosts: tuple[HostReason, ...] = ()
    facts: tuple[str, ...] = ()
    quotas: tuple[Quota, ...] = ()
    request_id: str = ""
    parts: tuple[Part, ...] = ()

    @property
    def ok(self) -> bool:
        return self.cause in FINE

    def as_dict(self) -> dict[str, Any]:
        return {"version": 1, "ok": self.ok, **asdict(self)}
