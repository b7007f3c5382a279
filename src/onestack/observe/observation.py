"""An observation of all guests and load balancers, as plain data.

Rates are averages since the previous observation. What could not be read is missing or None: missing data must never
look like an idle server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GuestRates:
    """One guest. None: there was no previous observation, or the guest has restarted since.

    `cpu`: per cent of all its vCPUs together. `memory`: per cent of its memory in use; None without data from its
    balloon driver. `network`, `disk`: bytes a second, both directions.
    """

    cpu: float | None
    memory: float | None
    network: float | None
    disk: float | None


@dataclass(frozen=True, slots=True)
class MemberRates:
    """One server of a pool as its HAProxy counts it, summed over the listeners that use the pool.

    `up`: None if it has no health checks. `requests`, `errors` (5xx, failed connections and responses): per second.
    `connections`: open now. `queue`: requests that wait for it. `response_time`: milliseconds, a recent mean.
    """

    up: bool | None
    requests: float | None
    connections: int
    queue: int
    response_time: float | None
    errors: float | None


@dataclass(frozen=True, slots=True)
class PoolRates:
    """A pool as a whole, otherwise as in MemberRates. `queue`: requests that wait for any member."""

    requests: float | None
    connections: int
    queue: int
    response_time: float | None
    errors: float | None


@dataclass(frozen=True)
class Observation:
    """`monotonic`, `wall`: its time, in seconds. `guests`: by server id. `members`: by pool and member id. `pools`:
    by pool id. `failures`: what could not be read, and why. `balancers`: balancer id by pool id. `domains`: what
    libvirt says of each, key by key; None where it was not asked, or did not answer."""

    monotonic: float
    wall: float
    guests: Mapping[str, GuestRates]
    members: Mapping[tuple[str, str], MemberRates]
    pools: Mapping[str, PoolRates]
    failures: tuple[str, ...]
    balancers: Mapping[str, str] = field(default_factory=dict)
    domains: Mapping[str, Mapping[str, str]] | None = None
