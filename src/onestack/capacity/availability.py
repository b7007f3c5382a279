"""The probability that enough hosts are up: at least k of n, which fail independently."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

MINUTES_PER_YEAR = 365.25 * 24 * 60


def of_host(mtbf: float, mttr: float) -> float:
    """A host's availability: MTBF / (MTBF + MTTR), both in the same unit."""
    return mtbf / (mtbf + mttr)


def k_of_n(needed: int, hosts: int, each: float) -> float:
    """The share of time in which at least `needed` of `hosts` are up. `each`: the availability of one host."""
    if needed <= 0:
        return 1.0
    return math.fsum(
        math.comb(hosts, up) * each**up * (1 - each) ** (hosts - up) for up in range(needed, hosts + 1)
    )


@dataclass(frozen=True)
class Availability:
    """Availability of `needed` out of `hosts` hosts, and of one out of `copies` servers on different hosts.

    `each`: the availability of one host.
    """

    needed: int
    hosts: int
    each: float
    copies: int = 1

    @property
    def all_served(self) -> float:
        """The share of time in which the hosts that are up have room for all servers."""
        return k_of_n(self.needed, self.hosts, self.each)

    @property
    def one_of_copies(self) -> float:
        return k_of_n(1, self.copies, self.each)

    @property
    def minutes_a_year(self) -> float:
        """Minutes a year in which they have not."""
        return (1 - self.all_served) * MINUTES_PER_YEAR

    def as_dict(self) -> dict[str, Any]:
        return {
            "host": self.each,
            "needed": self.needed,
            "hosts": self.hosts,
            "all_served": self.all_served,
            "minutes_a_year_not": self.minutes_a_year,
            "copies": self.copies,
            "one_of_copies": self.one_of_copies,
        }
