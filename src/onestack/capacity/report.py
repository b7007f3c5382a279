"""The whole analysis: whether the servers fit, which losses of hosts they survive, and what the bottleneck is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from onestack.capacity import bounds
from onestack.capacity.availability import Availability
from onestack.capacity.bounds import Reason, fewest
from onestack.capacity.classic import Classic, classic
from onestack.capacity.loss import Loss, worst_loss
from onestack.capacity.model import (
    RESOURCES,
    Amount,
    Demand,
    Host,
    Placement,
    Server,
    room,
    servers,
    shares,
    total,
)
from onestack.capacity.pack import pack

# The version of the JSON form.
VERSION = 1
# How many numbers of hosts the search for a sufficient one tries, from the lower bound upwards.
TRIES = 64

Verdict = Literal["fits", "cannot fit", "no placement found"]


@dataclass(frozen=True)
class Wishes:
    """The operator's availability requirements.

    `tolerate`: the loss of any this many hosts must be survived. `redundancy`: servers that can stand in for each
    other (R). `host`: the availability of one host, 0 to 1; None: unknown, so no availability is calculated.
    """

    tolerate: int = 0
    redundancy: int = 1
    host: float | None = None


@dataclass(frozen=True)
class Enough:
    """How many hosts of the most common size (`like`) suffice.

    `needs`: the number that each resource or constraint requires by itself (None: no number suffices). `at_least`:
    the proved lower bound. `found`: the smallest number for which a placement was found. Both include the hosts
    whose loss must be tolerated.
    """

    like: Host
    needs: Mapping[str, int | None]
    at_least: int | None
    found: int | None

    @property
    def binds(self) -> str:
        """The bottleneck: the resource or constraint that requires the most hosts; empty without servers."""
        if not any(self.needs.values()) and None not in self.needs.values():
            return ""
        return max(self.needs, key=lambda name: float("inf") if (n := self.needs[name]) is None else n)

    def as_dict(self) -> dict[str, Any]:
        return {
            "like": self.like.name,
            "needs": dict(self.needs),
            "binds": self.binds,
            "at_least": self.at_least,
            "found": self.found,
        }


@dataclass(frozen=True)
class Report:
    """The result of the analysis."""

    hosts: Sequence[Host]
    demands: Sequence[Demand]
    wishes: Wishes
    classic: Classic
    verdict: Verdict
    reasons: Sequence[Reason]
    placement: Placement | None
    loss: Loss | None
    enough: Enough | None
    availability: Availability | None
    source: str = ""
    """Where the hosts and their sizes come from, in words."""
    notes: Sequence[str] = ()
    """What was assumed of hosts, in words."""

    @property
    def ok(self) -> bool:
        """Whether all servers fit, now and after the loss of as many hosts as must be tolerated."""
        if self.verdict != "fits":
            return False
        return self.loss is None or (self.loss.survives and self.loss.complete)

    @property
    def asked(self) -> Amount:
        return total(server.amount for server in servers(self.demands))

    @property
    def room(self) -> Amount:
        return room(self.hosts)

    def asked_by(self, tenant: str) -> Amount:
        return total(each.amount for each in servers(d for d in self.demands if d.tenant == tenant))

    def why_not(self) -> str:
        """Why it is not ok, in one line; empty if it is."""
        if self.ok:
            return ""
        if self.reasons:
            return self.reasons[0].words
        if self.verdict != "fits" or self.loss is None:
            return "no placement was found; none was proved impossible"
        lost = ", ".join(self.loss.example)
        if not self.loss.survives:
            return f"after the loss of {lost} not every server has a place" + (
                f": {self.loss.why}" if self.loss.why else ""
            )
        return f"only {self.loss.tried} of {self.loss.sets} possible losses were tried; all of these were survived"

    def as_dict(self) -> dict[str, Any]:
        used = shares(self.asked, self.room)
        return {
            "version": VERSION,
            "ok": self.ok,
            "verdict": self.verdict,
            "hosts_from": self.source,
            "notes": list(self.notes),
            "reasons": [each.as_dict() for each in self.reasons],
            "classic": self.classic.as_dict(),
            "tenants": {
                tenant: {"servers": number, **_named(self.asked_by(tenant))}
                for tenant, number in self.classic.tenants.items()
            },
            "asked": _named(self.asked),
            "room": _named(self.room),
            "share": {
                name: share if share != float("inf") else None
                for name, share in zip(RESOURCES, used, strict=True)
            },
            "loss": self.loss.as_dict() if self.loss else None,
            "enough": self.enough.as_dict() if self.enough else None,
            "availability": self.availability.as_dict() if self.availability else None,
            "placement": self.placement
            and {
                host: [{"tenant": one.tenant, "name": one.name} for one in content]
                for host, content in self.placement.items()
            },
        }


def _named(amount: Amount) -> dict[str, int]:
    return dict(zip(RESOURCES, amount, strict=True))


def analyse(
    hosts: Sequence[Host],
    demands: Iterable[Demand],
    wishes: Wishes | None = None,
    source: str = "",
    notes: Sequence[str] = (),
) -> Report:
    """The report. Hosts' names must differ. Takes some four seconds for 1,000 servers on 500 hosts."""
    wishes = wishes or Wishes()
    wanted = list(demands)
    all_servers = servers(wanted)
    reasons = list(bounds.reasons(hosts, all_servers))
    placement = None if reasons else pack(hosts, all_servers)
    verdict: Verdict = "cannot fit" if reasons else "fits" if placement is not None else "no placement found"
    loss = (
        worst_loss(hosts, placement, wishes.tolerate) if placement is not None and wishes.tolerate else None
    )
    sufficient = enough(hosts, all_servers, wishes.tolerate) if hosts else None
    return Report(
        hosts=hosts,
        demands=wanted,
        wishes=wishes,
        classic=classic(wanted, len(hosts), wishes.redundancy),
        verdict=verdict,
        reasons=reasons,
        placement=placement,
        loss=loss,
        enough=sufficient,
        availability=_availability(hosts, sufficient, wishes),
        source=source,
        notes=tuple(notes),
    )


def enough(hosts: Sequence[Host], wanted: Sequence[Server], tolerate: int = 0) -> Enough:
    """How many hosts of the most common size among `hosts` the servers take. Zones are ignored."""
    like = Counter((host.inventories, host.zone) for host in hosts).most_common(1)[0][0]
    model = next(host for host in hosts if (host.inventories, host.zone) == like)
    unzoned = [Server(s.tenant, s.name, s.amount, s.group, s.policy) for s in wanted]
    if not unzoned:
        return Enough(model, dict.fromkeys((*RESOURCES, bounds.GROUPS), 0), tolerate, tolerate)

    def copies(number: int) -> list[Host]:
        return [Host(f"{model.name}-{index}", model.inventories) for index in range(number)]

    def without_reason(binds: str, number: int) -> bool:
        return all(reason.binds != binds for reason in bounds.reasons([model] * number, unzoned))

    # If any number suffices, one host for each server does.
    most = len(unzoned)
    needs = {name: fewest(partial(without_reason, name), most) for name in (*RESOURCES, bounds.GROUPS)}
    least = None if None in needs.values() else max(n for n in needs.values() if n is not None)
    if least is None:
        return Enough(model, needs, None, None)
    tries = range(least, least + TRIES)
    found = next(
        (number for number in tries if pack(copies(number), unzoned, effort=20_000) is not None), None
    )
    return Enough(model, needs, least + tolerate, None if found is None else found + tolerate)


def _availability(hosts: Sequence[Host], sufficient: Enough | None, wishes: Wishes) -> Availability | None:
    if wishes.host is None or sufficient is None or sufficient.found is None:
        return None
    needed = sufficient.found - wishes.tolerate
    if needed > len(hosts):
        return None
    return Availability(needed, len(hosts), wishes.host, wishes.redundancy)
