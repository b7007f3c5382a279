"""Kinds that are nothing but a tie between two things: there or not there, with nothing to change."""

from __future__ import annotations

from typing import Any, ClassVar

from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.ownership import Inherited
from onestack.workloads.kind.session import Hands, Names
from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Address

_BETWEEN = "|"


class Link(Kind):
    """A tie. `ends`: the kinds it ties, the first being its parent; ids of ties are those of their ends."""

    marking = Inherited()
    closed = True
    goes_with = True
    ends: ClassVar[tuple[str, ...]]

    @classmethod
    def reads_after(cls) -> frozenset[str]:
        return super().reads_after() | set(cls.ends)

    def tie(self, hands: Hands, *ids: str) -> None:
        raise NotImplementedError

    def untie(self, hands: Hands, *ids: str) -> None:
        raise NotImplementedError

    def between(self, names: Names, *ids: str) -> Observed | None:
        """The tie between what has these ids, unless one of them is nothing that can be in a spec."""
        ends = [names.address(kind, ident) for kind, ident in zip(self.ends, ids, strict=True)]
        known = [end for end in ends if end is not None]
        if len(known) < len(ends):
            return None
        owner = names.owner(known[0])
        return Observed(self.address_of(*known), _BETWEEN.join(ids), {}, owner, tuple(known))

    def address_of(self, *ends: Address) -> Address:
        """Named after its ends."""
        return Address(self.name, (*ends[0].path, *(end.path[-1] for end in ends[1:])))

    def tied(self, *ends: Address, **more: Any) -> Wanted:
        """The wanted tie between ends."""
        return Wanted(self.address_of(*ends), needs=tuple(ends), **more)

    def create(self, wanted: Wanted, hands: Hands) -> str:
        ids = [hands.id(end) for end in wanted.needs[: len(self.ends)]]
        self.tie(hands, *ids)
        return _BETWEEN.join(ids)

    def update(self, change: Change, ident: str, hands: Hands) -> None:
        return None

    def delete(self, there: Observed, hands: Hands) -> None:
        self.untie(hands, *there.id.split(_BETWEEN))
