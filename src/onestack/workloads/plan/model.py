"""Wanted state, observed state, changes and steps, as plain data. Other modules show and execute them."""

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
    """A resource as the spec describes it.

    `fields`: the API's fields, which are sent and compared with the observed ones. `create_only`: fields that are
    sent at creation only and never compared. `needs`: further resources that must exist before it.
    """

    address: Address
    fields: Mapping[str, Value] = field(default_factory=dict)
    create_only: Mapping[str, Value] = field(default_factory=dict)
    needs: tuple[Address, ...] = ()
    place: Place | None = None

    @cached_property
    def dependencies(self) -> frozenset[Address]:
        """All resources that must exist before it."""
        addresses = {*refs(self.fields), *refs(self.create_only), *self.needs}
        return frozenset(addresses - {self.address})


@dataclass(frozen=True)
class Observed:
    """A resource as it was observed. `owner`: the name of the spec that created it; None if it was not OneStack.

    `needs`: the resources that it cannot exist without, and that are deleted after it; its parent first.
    """

    address: Address
    id: str
    fields: Mapping[str, Value] = field(default_factory=dict)
    owner: str | None = None
    needs: tuple[Address, ...] = ()

    @cached_property
    def dependencies(self) -> frozenset[Address]:
        """All resources that must be deleted after it."""
        return frozenset({*refs(self.fields), *self.needs} - {self.address})


@dataclass(frozen=True)
class Change:
    """A change of one resource. `fields`: name -> (before, after). `why`: why it is replaced or deleted. `cloud`: in
    which one, if the plan is over several."""

    action: Action
    address: Address
    fields: Mapping[str, tuple[Value, Value]] = field(default_factory=dict)
    why: str = ""
    wanted: Wanted | None = None
    observed: Observed | None = None
    cloud: str = ""

    @property
    def place(self) -> Place | None:
        """Its place in the spec."""
        return self.wanted.place if self.wanted else None


@dataclass(frozen=True)
class Plan:
    """`left`: the owner's resources that are no longer in the spec, and that only pruning deletes.

    `present`: the ids of all existing resources. `wanted`: how many resources the spec describes.
    """

    changes: Sequence[Change]
    left: Sequence[Observed] = ()
    present: Mapping[Address, str] = field(default_factory=dict)
    owner: str = ""
    wanted: int = 0
    implied: Sequence[Change] = ()
    """Deletions that OpenStack makes by itself, since the parent is deleted."""
    notes: Sequence[str] = ()
    """What the plan rests on that is not so yet, in words."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to change."""
        return not self.changes

    def of(self, *actions: Action) -> Iterator[Change]:
        """The changes with one of these actions."""
        return (change for change in self.changes if change.action in actions)

    def counts(self) -> tuple[int, int, int]:
        """How many resources are added, changed, destroyed; a replaced one is added and destroyed."""
        add = sum(1 for _ in self.of("create", "replace"))
        return add, sum(1 for _ in self.of("update")), sum(1 for _ in self.of("delete", "replace"))


@dataclass(frozen=True)
class Step:
    """A step of the execution: `make` (create or update) or `remove`; a replacement has both. `needs`: names of steps
    that precede it."""

    verb: Literal["make", "remove"]
    change: Change
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.verb} {self.change.address}"
