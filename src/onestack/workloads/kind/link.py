"""The base of kinds that only link resources. A link exists or does not, and has no fields."""

from __future__ import annotations

from typing import Any, ClassVar

from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.ownership import Inherited
from onestack.workloads.kind.session import Index, Session
from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Address

_BETWEEN = "|"


class Link(Kind):
    """`ends`: the kinds that it links; the first is its parent. Its id consists of theirs."""

    label_in = Inherited()
    exclusive = True
    deleted_with_parent = True
    ends: ClassVar[tuple[str, ...]]

    @classmethod
    def reads_after(cls) -> frozenset[str]:
        return super().reads_after() | set(cls.ends)

    def link(self, session: Session, *ids: str) -> None:
        raise NotImplementedError

    def unlink(self, session: Session, *ids: str) -> None:
        raise NotImplementedError

    def between(self, index: Index, *ids: str) -> Observed | None:
        """The observed link between the resources with these ids; None if one of them is unknown."""
        ends = [index.address(kind, ident) for kind, ident in zip(self.ends, ids, strict=True)]
        known = [end for end in ends if end is not None]
        if len(known) < len(ends):
            return None
        owner = index.owner(known[0])
        return Observed(self.address_of(*known), _BETWEEN.join(ids), {}, owner, tuple(known))

    def address_of(self, *ends: Address) -> Address:
        """Its address, which consists of those of its ends."""
        return Address(self.name, (*ends[0].path, *(end.path[-1] for end in ends[1:])))

    def linked(self, *ends: Address, **more: Any) -> Wanted:
        """The wanted link between resources."""
        return Wanted(self.address_of(*ends), needs=tuple(ends), **more)

    def create(self, wanted: Wanted, session: Session) -> str:
        ids = [session.id(end) for end in wanted.needs[: len(self.ends)]]
        self.link(session, *ids)
        return _BETWEEN.join(ids)

    def update(self, change: Change, ident: str, session: Session) -> None:
        return None

    def delete(self, observed: Observed, session: Session) -> None:
        self.unlink(session, *observed.id.split(_BETWEEN))
