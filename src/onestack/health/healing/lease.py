"""When a host's lease has expired, by its own clock. Pure.

All times are seconds of the host's CLOCK_BOOTTIME, which goes on while all processes are stopped. A renewal counts
from before its request was sent, and a healer's count of the same silence begins when it sees it: so the host's own
time ends first, by `ACT - EXPIRES` seconds, and no two clocks are compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

RENEW = 2.0
"""Seconds between renewals."""
RETRY = 0.5
"""Seconds until the next try after one that failed: etcd is back for a peer first, and this host must be quick."""
EXPIRES = 10.0
"""Seconds after its last renewal after which a host has ended its guests."""
ACT = 15.0
"""Seconds of silence, seen without a break, after which a healer takes the lease for expired."""
ACT_BY_FENCE = 10.0
"""The same where a fence agent proves it."""
SUSPECT = 5.0
"""Seconds of silence after which a host looks lost to a healer."""
UNRENEWED = 6.0
"""Seconds since its last renewal after which a host counts for its peers as one that cannot renew. More than SUSPECT:
what makes a host hold on must have been seen by the healer, too."""
HOLD = 2.5
"""Seconds for which an answer of the peers holds."""


def restrained(lost: int, total: int, share: float) -> bool:
    """Whether so many hosts look lost that it is the network rather than the hosts: more than `share` of them, or two
    or more that are just that share."""
    return lost > share * total or (lost >= 2 and lost >= share * total)


def rules(by_lease: bool, share: float, names: Iterable[str]) -> str:
    """By which rules a host ends its guests, in a word. A healer takes the expiry of a lease for proof only where the
    host goes by its own: one that was away during an `up` knows older ones. `names`: of the compute hosts."""
    digest = hashlib.sha256(repr((share, sorted(names))).encode()).hexdigest()[:12]
    return digest if by_lease else ""


@dataclass
class Lease:
    """A host's lease as the host itself knows it. `renewed`: when its last renewal was sent. `hold_until`: until when
    its peers' answers let it hold on without."""

    renewed: float
    hold_until: float = 0.0

    def renew(self, sent: float) -> None:
        """A renewal that was sent at `sent` was acknowledged."""
        self.renewed = max(self.renewed, sent)

    def expired(self, now: float) -> bool:
        """Whether the guests must end now."""
        return now - self.renewed >= EXPIRES and now >= self.hold_until

    def in_trouble(self, now: float) -> bool:
        """Whether it is time to ask the peers."""
        return now - self.renewed >= SUSPECT

    def heard(self, asked: float, ages: Mapping[str, float], total: int, share: float) -> None:
        """Take in what peers said. `ages`: of those that answered, seconds since their last renewal. `total`: of the
        compute hosts, with this one. Who does not answer may be renewing."""
        silent = 1 + sum(age >= UNRENEWED for age in ages.values())
        if asked - self.renewed >= UNRENEWED and restrained(silent, total, share):
            self.hold_until = asked + HOLD
