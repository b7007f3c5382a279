"""Desired state, observed state, changes: plain values. How they are shown or done is elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from onestack.core.errors import Place
from onestack.workloads.plan.values import Address, Value, refs

Action = Literal["create", "update", "replace", "delete"]


@dataclass(frozen=True)
class Wanted:
    """A resource as the spec wants it.

    `fields`: in the words of OpenStack's API; sent, and compared with what is there. `once`: sent at
    creation only, never compared. `needs`: what must be there first without being named in a field.
    """

    address: Address
    fields: Mapping[str, Value] = field(default_factory=dict)
    create_only: Mapping[str, Value] = field(default_factory=dict)
    needs: tuple[Address, ...] = ()
    place: Place | None = None

    @cached_property
    def dependencies(self) -> frozenset[Address]:
        """All that must exist before it."""
        found = {*refs(self.fields), *refs(self.create_only), *self.needs}
        return frozenset(found - {self.address})


@dataclass(frozen=True)
class Observed:
    """A resource as it was observed. `owner`: the name of the spec that created it; None: somebody else did.

    `needs`: what it cannot be without, so what must be deleted after it.
    """

    address: Address
    id: str
    fields: Mapping[str, Value] = field(default_factory=dict)
    owner: str | None = None
    needs: tuple[Address, ...] = ()

    @cached_property
    def dependencies(self) -> frozenset[Address]:
        """All that must outlive it."""
        return frozenset({*refs(self.fields), *self.needs} - {self.address})


@dataclass(frozen=True)
class Change:
    """`fields`: name -> (before, after). `why`: what forces a replacement, or why it goes."""

    action: Action
    address: Address
    fields: Mapping[str, tuple[Value, Value]] = field(default_factory=dict)
    why: str = ""
    wanted: Wanted | None = None
    observed: Observed | None = None

    @property
    def place(self) -> Place | None:
        """Its place in the spec."""
        return self.wanted.place if self.wanted else None


@dataclass(frozen=True)
class Plan:
    """`left`: what the spec's owner made and the spec no longer holds; deleted only when pruning.

    `present`: the ids of all that is there and may be named.
    """

    changes: Sequence[Change]
    left: Sequence[Observed] = ()
    present: Mapping[Address, str] = field(default_factory=dict)
    owner: str = ""
    wanted: int = 0
    carried: Sequence[Change] = ()
    """Resources that OpenStack deletes with a parent that is deleted."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to change."""
        return not self.changes

    def of(self, *actions: Action) -> Iterator[Change]:
        """The changes of some kinds."""
        return (change for change in self.changes if change.action in actions)

    def counts(self) -> tuple[int, int, int]:
        """How many resources are added, changed, destroyed; a replaced one is added and destroyed."""
        add = sum(1 for _ in self.of("create", "replace"))
        return add, sum(1 for _ in self.of("update")), sum(1 for _ in self.of("delete", "replace"))


@dataclass(frozen=True)
class Step:
    """One thing to do: `make` (create or update) or `remove`; a replacement is both. Named by verb and address."""

    verb: Literal["make", "remove"]
    change: Change
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.verb} {self.change.address}"
