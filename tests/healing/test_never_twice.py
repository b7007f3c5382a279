"""Hosts, their agents and a healer in a simulated network that is cut at random: whenever the healer takes a lease
for expired, that host's guests have ended. Time goes in tenths of a second; decisions are those of the real code."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from onestack.health.healing.decide import Watch
from onestack.health.healing.lease import RENEW, RETRY, Lease
from onestack.platform.infrastructure.lease import FENCED, SERVING
from onestack.platform.keyvalue import Kept

TICKS = 10
"""A second."""
SHARE = 0.5


@dataclass
class Host:
    name: str
    offset: int
    lease: Lease = field(default_factory=lambda: Lease(0.0))
    state: str = SERVING
    frozen: bool = False

    def runs_guests(self) -> bool:
        return self.state == SERVING and not self.frozen


def is_due(tick: int, host: Host) -> bool:
    """Whether it tries to renew now: again soon where the last try failed."""
    late = tick / TICKS - host.lease.renewed > RENEW
    return (tick + host.offset) % round((RETRY if late else RENEW) * TICKS) == 0


@dataclass(frozen=True)
class Fault:
    """From `begin` until `end` (seconds) a host is cut from etcd, from its peers, or frozen; `etcd`: it is away for
    all; `healer`: the healer is stopped."""

    begin: int
    end: int
    kind: str
    host: int

    def holds(self, now: float) -> bool:
        return self.begin <= now < self.end


def faults(hosts: int) -> st.SearchStrategy[list[Fault]]:
    one = st.builds(
        lambda begin, seconds, kind, host: Fault(begin, begin + seconds, kind, host),
        st.integers(5, 50),
        st.integers(1, 45),
        st.sampled_from(["etcd link", "peer links", "frozen", "etcd", "healer"]),
        st.integers(0, hosts - 1),
    )
    return st.lists(one, max_size=7)


@given(st.data(), st.integers(2, 5))
@settings(max_examples=150, deadline=None)
def test_a_lease_that_a_healer_takes_for_expired_has_no_guests(data: st.DataObject, number: int) -> None:
    given_faults = data.draw(faults(number))
    offsets = data.draw(st.lists(st.integers(0, 19), min_size=number, max_size=number))
    hosts = [Host(f"n{index}", offset) for index, offset in enumerate(offsets)]
    watch = Watch([each.name for each in hosts], SHARE)
    stored: dict[str, Kept] = {}
    marks: set[str] = set()
    revision = 0

    def broken(kind: str, now: float, host: int = -1) -> bool:
        return any(
            each.kind == kind and each.holds(now) and (host < 0 or each.host == host) for each in given_faults
        )

    for tick in range(110 * TICKS):
        now = tick / TICKS
        for index, host in enumerate(hosts):
            host.frozen = broken("frozen", now, index)
            if host.frozen:
                continue
            # The thread that looks at the clock.
            if tick % 2 == 0 and host.state == SERVING and host.lease.expired(now):
                host.state = FENCED
            # The thread that renews.
            due = is_due(tick, host)
            overdue = host.state == SERVING and host.lease.expired(now)
            if due and not overdue and not broken("etcd", now) and not broken("etcd link", now, index):
                revision += 1
                stored[host.name] = Kept(json.dumps({"state": host.state}), revision)
                host.lease.renew(now)
                if host.name in marks:
                    host.state = FENCED
                elif host.state == FENCED:
                    host.state = SERVING
            # The thread that asks the peers.
            if (tick + host.offset) % TICKS == 0 and host.state == SERVING and host.lease.in_trouble(now):
                ages = {
                    other.name: now - other.lease.renewed
                    for place, other in enumerate(hosts)
                    if other is not host
                    and other.state == SERVING
                    and not other.frozen
                    and not broken("peer links", now, index)
                    and not broken("peer links", now, place)
                }
                host.lease.heard(now, ages, len(hosts), SHARE)
        if tick % TICKS == 5 and not broken("healer", now) and not broken("etcd", now):
            watch.observe(now, stored)
            for name in watch.judge(now, marks).lost:
                host = next(each for each in hosts if each.name == name)
                assert not host.runs_guests(), (
                    f"{name} at {now} s, its last renewal was at {host.lease.renewed} s"
                )
                marks.add(name)
        # A host that goes on after a freeze ends its guests at its first look.
        for host in hosts:
            if tick % 2 == 1 and host.name in marks:
                assert not host.runs_guests(), f"{host.name} serves at {now} s, and is fenced"


@given(st.integers(5, 30), st.integers(1, 60), st.integers(2, 5))
@settings(max_examples=60, deadline=None)
def test_no_guest_ends_while_etcd_alone_is_away(begin: int, seconds: int, number: int) -> None:
    hosts = [Host(f"n{index}", 4 * index % 20) for index in range(number)]
    for tick in range((begin + seconds + 20) * TICKS):
        now = tick / TICKS
        for host in hosts:
            if tick % 2 == 0:
                assert not host.lease.expired(now), f"{host.name} at {now} s"
            if is_due(tick, host) and not begin <= now < begin + seconds:
                host.lease.renew(now)
            if (tick + host.offset) % TICKS == 0 and host.lease.in_trouble(now):
                ages = {other.name: now - other.lease.renewed for other in hosts if other is not host}
                host.lease.heard(now, ages, number, SHARE)
