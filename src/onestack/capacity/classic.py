"""The figures of a first, rough sizing: tenants, servers (nodes), load per host, redundancy.

M = {M_t}: the nodes that each tenant requests. C = sum of M_t. L = C / N: nodes on each of N hosts.
H = C / R: the number of sets, if nodes form sets of R that replace each other.
Five tenants of 20: C = 100; on N = 50 hosts L = 2; with R = 2, H = 50.

They treat all nodes as equal. Whether the capacity suffices is decided in `onestack.capacity.report`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from onestack.capacity.model import Demand


@dataclass(frozen=True)
class Classic:
    """The figures; `hosts` is N and may be 0 (then L is infinite), `redundancy` is R, at least 1."""

    tenants: Mapping[str, int]
    hosts: int
    redundancy: int = 1

    @property
    def nodes(self) -> int:
        """C."""
        return sum(self.tenants.values())

    @property
    def load(self) -> float:
        """L, nodes per host."""
        return self.nodes / self.hosts if self.hosts else float("inf")

    @property
    def sets(self) -> float:
        """H."""
        return self.nodes / self.redundancy

    def as_dict(self) -> dict[str, Any]:
        return {
            "M": dict(self.tenants),
            "C": self.nodes,
            "N": self.hosts,
            "L": self.load if self.hosts else None,
            "R": self.redundancy,
            "H": self.sets,
        }


def classic(demands: Iterable[Demand], hosts: int, redundancy: int = 1) -> Classic:
    """The figures of these demands."""
    tenants: Counter[str] = Counter()
    for demand in demands:
        tenants[demand.tenant] += demand.count
    return Classic(dict(tenants), hosts, redundancy)
