"""How likely it is that enough hosts run: k of n, each by itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

MINUTES_PER_YEAR = 365.25 * 24 * 60


def of_host(mtbf: float, mttr: float) -> float:
    """The share of time a host runs: time between failures over that and the time to repair (one unit)."""
    return mtbf / (mtbf + mttr)


def k_of_n(needed: int, hosts: int, each: float) -> float:
    """The share of time in which at least `needed` of `hosts` run, if they fail independently."""
    if needed <= 0:
        return 1.0
    return math.fsum(
        math.comb(hosts, up) * each**up * (1 - each) ** (hosts - up) for up in range(needed, hosts + 1)
    )


@dataclass(frozen=True)
class Availability:
    """k-of-n for the hosts, and the same for `copies` servers on different hosts of which one must run."""

    needed: int
    hosts: int
    each: float
    copies: int = 1

    @property
    def all_served(self) -> float:
        """The share of time in which there is room for everything."""
        return k_of_n(self.needed, self.hosts, self.each)

    @property
    def one_of_copies(self) -> float:
        return k_of_n(1, self.copies, self.each)

    @property
    def minutes_a_year(self) -> float:
        """How long a year it is not so that there is room for everything."""
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
