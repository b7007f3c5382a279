"""A lease, so that only one of several autoscalers acts: a Neutron resource that is updated only if nobody else did.

The lease is the description of a security group, updated with Neutron's `If-Match: revision_number`. Its heartbeat
is a counter, not a time: another autoscaler takes over when the counter has not changed for `PATIENCE` seconds of
its own monotonic clock, so clocks are never compared. An autoscaler that restarts on the same host takes over at
once, since a kernel lock proves that its predecessor has ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from onestack.workloads.kind.faults import Fault
from onestack.workloads.openstack.rest import Rest

NAME = "onestack-scaling-lease"
RENEW, PATIENCE, VALID = 20.0, 70.0, 55.0
"""Seconds: between heartbeats; without a heartbeat until another takes over; after which the own lease has expired.
"""


class Lease:
    """The lease of one autoscaler. `holder`: this host's name."""

    def __init__(
        self, network: Callable[[], Rest], holder: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._network = network
        self._holder = holder
        self._clock = clock
        self._renewed: float | None = None
        self._other: tuple[str, float] | None = None

    def held(self) -> bool:
        """Whether this autoscaler may act now; renews the lease when due. Raises Neutron's errors."""
        now = self._clock()
        if self._renewed is not None and now - self._renewed < RENEW:
            return True
        try:
            held = self._take(now)
        except Exception:
            # While Neutron is down, a lease stays valid for a while: a restart of Neutron must not stop the
            # autoscaler.
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
        # If two were created at the same time, all autoscalers use the one with the lowest id.
        lease_group = min(listed, key=lambda each: str(each["id"]))
        description = str(lease_group["description"])
        holder, _, count = description.rpartition(" ")
        if holder != self._holder:
            if self._other is None or self._other[0] != description:
                self._other = (description, now)
            if now - self._other[1] < PATIENCE:
                return False
        try:
            rest.call(
                "PUT",
                f"/security-groups/{lease_group['id']}",
                json={"security_group": {"description": f"{self._holder} {int(count or 0) + 1}"}},
                headers={"If-Match": f"revision_number={lease_group['revision_number']}"},
            )
        except Fault as fault:
            if fault.status == 412:
                return False
            raise
        return True
