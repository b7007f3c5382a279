"""One autoscaler acts, however many run: a lease in Neutron, which changes a resource only if nobody did meanwhile.

Its heartbeat is counted, not timed: who waits takes over when the count has stood still for `PATIENCE` seconds of its
own monotonic clock, so that no two clocks are ever compared. On its own host an autoscaler that starts again goes on
at once, since a lock of the kernel's says that the one before is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from onestack.workloads.kind.faults import Fault
from onestack.workloads.openstack.rest import Rest

NAME = "onestack-scaling-lease"
RENEW, PATIENCE, VALID = 20.0, 70.0, 55.0
"""Seconds: between heartbeats; until another takes over; after which an own heartbeat is stale."""


class Lease:
    """`holder`: this host's name."""

    def __init__(
        self, network: Callable[[], Rest], holder: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._network = network
        self._holder = holder
        self._clock = clock
        self._renewed: float | None = None
        self._other: tuple[str, float] | None = None

    def held(self) -> bool:
        """Whether this autoscaler may act now; renews the lease when it is time. Raises what Neutron answers."""
        now = self._clock()
        if self._renewed is not None and now - self._renewed < RENEW:
            return True
        try:
            held = self._take(now)
        except Exception:
            # Neutron is away: what was won holds for a while, so that its restart stops nobody.
            if self._renewed is not None and now - self._renewed < VALID:
                return True
            self._renewed = None
            raise
        self._renewed = now if held else None
        return held

    def _take(self, now: float) -> bool:
        rest = self._network()
        listed = rest.all("/security-groups", "security_groups", name=NAME)
        if not listed:
            rest.post(
                "/security-groups", {"security_group": {"name": NAME, "description": f"{self._holder} 0"}}
            )
            listed = rest.all("/security-groups", "security_groups", name=NAME)
        # Two that were made at the same time: all agree on one of them.
        there = min(listed, key=lambda each: str(each["id"]))
        description = str(there["description"])
        holder, _, count = description.rpartition(" ")
        if holder != self._holder:
            if self._other is None or self._other[0] != description:
                self._other = (description, now)
            if now - self._other[1] < PATIENCE:
                return False
        try:
            rest.call(
                "PUT",
                f"/security-groups/{there['id']}",
                json={"security_group": {"description": f"{self._holder} {int(count or 0) + 1}"}},
                headers={"If-Match": f"revision_number={there['revision_number']}"},
            )
        except Fault as fault:
            if fault.status == 412:
                return False
            raise
        return True
