"""Whether the guests of any N lost hosts fit on the others: the reserve of healing (`platform.healing.reserve`).

Only guests that healing moves count (`spec.healing.stays`), and members of scaling groups, which the autoscaler
replaces. They are started elsewhere as by Nova's evacuation: no other guest is migrated to make room for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from onestack.capacity.loss import Loss, worst_loss
from onestack.capacity.model import RESOURCES, UNITS, Amount, Host, Placement, Server, room, total
from onestack.spec import Spec, healing


@dataclass(frozen=True)
class Reserve:
    """What was found of the worst loss. `moved`: what the guests take that move; `free`: what others have left."""

    loss: Loss
    guests: int
    moved: Amount
    free: Amount

    @property
    def holds(self) -> bool:
        return self.loss.way == "evacuation" and self.loss.complete

    def why_not(self) -> str:
        """Why it does not hold, in one line; empty if it does."""
        if self.holds:
            return ""
        if self.loss.way == "evacuation":
            return f"only {self.loss.tried} of {self.loss.sets} possible losses were tried"
        lost = ", ".join(self.loss.example)
        why = {"migration": "without migrations first"}.get(self.loss.way, self.loss.why)
        return f"after the loss of {lost} not every guest has a place" + (f": {why}" if why else "")

    def lines(self) -> list[str]:
        """The report, one line for each resource."""
        lost = ", ".join(self.loss.example) or "no host"
        found = [f"{self.guests} guests of {lost} are to be started on the other hosts"]
        for name, unit, moved, free in zip(RESOURCES, UNITS, self.moved, self.free, strict=True):
            found.append(f"{name}: {moved}{unit} needed, {free}{unit} free")
        return found

    def as_dict(self) -> dict[str, Any]:
        return {
            "hosts": self.loss.hosts,
            "holds": self.holds,
            "worst": list(self.loss.example),
            "why": self.why_not(),
            "guests": self.guests,
            "needed": dict(zip(RESOURCES, self.moved, strict=True)),
            "free": dict(zip(RESOURCES, self.free, strict=True)),
        }


def worst(hosts: Sequence[Host], placement: Placement, number: int) -> Reserve:
    """The worst loss of any `number` hosts, with these guests on them."""
    loss = worst_loss(hosts, placement, number)
    lost = set(loss.example)
    moved = [each for name in lost for each in placement.get(name, ()) if not each.stays]
    others = [each for each in hosts if each.name not in lost]
    had, used = room(others), total(s.amount for each in others for s in placement.get(each.name, ()))
    free = had[0] - used[0], had[1] - used[1], had[2] - used[2]
    return Reserve(loss, len(moved), total(each.amount for each in moved), free)


def of_spec(spec: Spec, hosts: Sequence[Host], placement: Placement) -> Reserve:
    """The same of a spec's servers. `placement`: where they are supposed to be."""
    wishes = {
        (tenant.name, server.name): bool(healing.stays(spec, tenant, server))
        for tenant in spec.tenants
        for server in tenant.servers
    }
    return worst(hosts, _as_healed(placement, wishes), spec.platform.healing.reserve)


def _as_healed(placement: Placement, stays: Mapping[tuple[str, str], bool]) -> dict[str, list[Server]]:
    def one(content: Iterable[Server]) -> list[Server]:
        # The host that a spec names is where Nova creates the server; an evacuation may choose another one.
        return [replace(each, host="", stays=stays.get((each.tenant, each.name), False)) for each in content]

    return {host: one(content) for host, content in placement.items()}
