"""An observation of everything that runs, as values: what guests use, and how balancers find their members.

Rates are over the time since the observation before. What could not be read is not there, or None: a missing figure
must never look like a quiet server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GuestRates:
    """One guest. None: there was no observation before, or it has restarted since.

    `cpu`: per cent of all its virtual CPUs together. `memory`: per cent of its memory in use; None without
    figures from its balloon. `network`, `disk`: bytes a second, both directions.
    """

    cpu: float | None
    memory: float | None
    network: float | None
    disk: float | None


@dataclass(frozen=True, slots=True)
class MemberRates:
    """One server of a pool as its HAProxy counts it, summed over the listeners that use the pool.

    `up`: None when it is not checked. `requests`, `errors` (5xx, failed connections and responses): a second.
    `connections`: open now. `queue`: requests that wait for it. `response_time`: milliseconds, mean of the recent.
    """

    up: bool | None
    requests: float | None
    connections: int
    queue: int
    response_time: float | None
    errors: float | None


@dataclass(frozen=True, slots=True)
class PoolRates:
    """A pool as a whole; its queue is of the requests that wait for any member. Else as in MemberRates."""

    requests: float | None
    connections: int
    queue: int
    response_time: float | None
    errors: float | None


@dataclass(frozen=True)
class Observation:
    """`monotonic`, `wall`: seconds, when it was. `guests`: by server id. `members`: by pool and member
    id. `pools`: by pool id. `failures`: what could not be read, and why. `balancers`: balancer id by pool id."""

    monotonic: float
    wall: float
    guests: Mapping[str, GuestRates]
    members: Mapping[tuple[str, str], MemberRates]
    pools: Mapping[str, PoolRates]
    failures: tuple[str, ...]
    balancers: Mapping[str, str] = field(default_factory=dict)
