"""How well supply followed demand: the elasticity metrics of the SPEC Research Group's cloud group.

As defined by Herbst et al., "Ready for Rain? A View from SPEC Research on the Future of Cloud Metrics"
(SPEC-RG-2016-01), for demand d and supply s, in members, over a time T:

- theta_U, theta_O: 100/T x integral of (d - s)+ / d, and of (s - d)+ / d. The mean shortage, and the mean
  excess, in per cent of the demand.
- tau_U, tau_O: the per cent of time in which supply was below demand, and above it.
- instability: the per cent of time in which demand and supply did not move in the same direction.
- jitter: how many more changes of supply there were than of demand, per hour.
- eta, the elastic speedup of a against n: the geometric mean of theta_U, theta_O, tau_U, tau_O of n over those
  of a. Above 1: a follows the demand better than n.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

# In a ratio, theta and tau are at least this, in per cent: a perfect score over a finite time is not infinitely good.
SMALLEST = 0.01


@dataclass(frozen=True)
class Scores:
    """In per cent, except jitter (changes an hour) and members (the mean supply)."""

    theta_u: float
    theta_o: float
    tau_u: float
    tau_o: float
    instability: float
    jitter: float
    members: float

    def as_dict(self) -> dict[str, float]:
        return asdict(self)

    def speedup(self, without: Scores) -> float:
        """eta relative to another run, usually one of a fixed size."""
        return math.prod(self.ratios(without)) ** (1 / 4)

    def ratios(self, without: Scores) -> tuple[float, float, float, float]:
        """The ratios of `without` to this: theta_U, theta_O, tau_U, tau_O. Above 1: this is better."""
        mine = (self.theta_u, self.theta_o, self.tau_u, self.tau_o)
        others = (without.theta_u, without.theta_o, without.tau_u, without.tau_o)
        one, two, three, four = (
            max(other, SMALLEST) / max(own, SMALLEST) for own, other in zip(mine, others, strict=True)
        )
        return one, two, three, four


def score(demand: Sequence[int], supply: Sequence[int], seconds: float) -> Scores:
    """The scores of a supply. Both have one number for each `seconds`; demand is never 0.

    Raises ValueError if they are not equally long, or empty.
    """
    if not demand or len(demand) != len(supply):
        raise ValueError(f"{len(demand)} numbers of demand, {len(supply)} of supply")
    steps = len(demand)
    lacking = too_much = 0.0
    short = over = unsteady = changes_d = changes_s = 0
    before_d, before_s = demand[0], supply[0]
    for d, s in zip(demand, supply, strict=True):
        if d > s:
            lacking += (d - s) / d
            short += 1
        elif s > d:
            too_much += (s - d) / d
            over += 1
        if d != before_d or s != before_s:
            changes_d += d != before_d
            changes_s += s != before_s
            unsteady += _direction(d - before_d) != _direction(s - before_s)
            before_d, before_s = d, s
    share = 100 / steps
    return Scores(
        theta_u=lacking * share,
        theta_o=too_much * share,
        tau_u=short * share,
        tau_o=over * share,
        instability=unsteady * share,
        jitter=(changes_s - changes_d) / (steps * seconds) * 3600,
        members=sum(supply) / steps,
    )


def _direction(change: int) -> int:
    return (change > 0) - (change < 0)
