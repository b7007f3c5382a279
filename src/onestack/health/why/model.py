"""What was read about a server and about the hosts it could be on, and what follows from it: plain data."""

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
    """A server group. `hosts`: the names of its other members, by the host they run on. `most`: of them on one."""

    name: str
    policy: str
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    most: int = 1


@dataclass(frozen=True)
class Request:
    """What a host must have: amounts by Placement's resource class, traits, and a provider if one was named."""

    resources: Mapping[str, int] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    provider: str = ""


@dataclass(frozen=True)
class Filter:
    """A filter of Nova's scheduler, and how many hosts it was given and left."""

    name: str
    before: int
    after: int


@dataclass(frozen=True)
class Records:
    """What the services wrote about one request. `asked`: what Nova asked Placement for."""

    asked: Request | None = None
    no_candidates: bool = False
    filters: tuple[Filter, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quota:
    """A limit of the project; -1: there is none."""

    name: str
    limit: int
    used: int

    @property
    def full(self) -> bool:
        return 0 <= self.limit <= self.used


@dataclass(frozen=True)
class Port:
    """A port of the server's. `binding`: Neutron's vif_type."""

    id: str
    status: str
    binding: str


@dataclass(frozen=True)
class ServerObservation:
    """A server, and all that decides whether it can be placed. `age`: seconds since it was asked for."""

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
    """The availability zone that was asked for."""
    request: Request = Request()
    hosts: tuple[Host, ...] = ()
    group: Group | None = None
    quotas: tuple[Quota, ...] = ()
    ports: tuple[Port, ...] = ()
    services_down: tuple[str, ...] = ()
    """Of Nova's own, other than nova-compute."""
    records: Records = Records()


@dataclass(frozen=True)
class HostReason:
    """Why a host cannot take the server now; no reasons: it could."""

    host: str
    zone: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """`cause`: a word for programs. `verdict`: one sentence. `hint`: what to do next."""

    what: str
    status: str
    cause: str
    verdict: str
    hint: str = ""
    hosts: tuple[HostReason, ...] = ()
    facts: tuple[str, ...] = ()
    quotas: tuple[Quota, ...] = ()
    request_id: str = ""

    @property
    def ok(self) -> bool:
        return self.cause in ("none", "building")

    def as_dict(self) -> dict[str, Any]:
        return {"version": 1, "ok": self.ok, **asdict(self)}
