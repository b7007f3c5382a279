"""Compares wanted and observed state, and computes the changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Protocol

from onestack.core.errors import Place
from onestack.language.diagnostics import BadSpec, Diagnostic
from onestack.workloads.plan.model import Action, Change, Observed, Plan, Wanted
from onestack.workloads.plan.values import Address, Ref, Unknown, Value, refs


class Traits(Protocol):
    """What a plan needs to know of a kind of resource."""

    @property
    def immutable(self) -> frozenset[str]:
        """Fields that the API cannot update: a change replaces the resource."""

    @property
    def exclusive(self) -> bool:
        """Whether the spec lists all such resources of a parent, so that others are deleted."""

    @property
    def deleted_with_parent(self) -> bool:
        """Whether OpenStack deletes it with its parent."""


def make(
    wanted: Iterable[Wanted],
    observed: Iterable[Observed],
    kinds: Mapping[str, Traits],
    *,
    owner: str,
    prune: bool = False,
    adopt: bool = False,
) -> Plan:
    """The changes that lead from `observed` to `wanted`.

    `owner`: the spec's name, which is in the ownership labels. `prune`: delete the owner's resources that are no
    longer wanted. `adopt`: take over existing resources with a wanted name and no owner. Raises BadSpec for
    references to resources that are neither wanted nor existing, and for wanted names that others already use.
    """
    want = {one.address: one for one in wanted}
    have = _by_address(observed, owner)
    _check(want, have, owner, adopt)
    left: list[Observed] = []
    gone: dict[Address, Change] = {}
    # Of an adopted resource's parts, those that the spec does not list are deleted as well.
    adopted = {address for address in want if adopt and address in have and have[address].owner is None}
    for existing in have.values():
        parent = _parent(existing)
        ours = existing.owner == owner or (existing.owner is None and parent in adopted)
        if not ours or existing.address in want:
            continue
        extra = kinds[existing.address.kind].exclusive and parent in want
        if extra or (prune and existing.owner == owner):
            why = f"not listed for {parent} in the spec" if extra else "no longer in the spec"
            gone[existing.address] = Change("delete", existing.address, why=why, observed=existing)
        elif existing.owner == owner:
            left.append(existing)
    changes: dict[Address, Change] = {}
    for address in _ordered(want):
        one = _change(want[address], have.get(address), kinds[address.kind], changes, gone, owner)
        if one is not None:
            changes[address] = one
    changes |= gone
    implied = [
        address for address, change in changes.items() if _is_deleted_with_parent(change, changes, kinds)
    ]
    explicit = [change for address, change in changes.items() if address not in set(implied)]
    present = {address: existing.id for address, existing in have.items()}
    return Plan(explicit, left, present, owner, len(want), [changes[address] for address in implied])


def _by_address(observed: Iterable[Observed], owner: str) -> dict[Address, Observed]:
    """One resource for each address: the owner's takes precedence over others of the same name."""
    found: dict[Address, Observed] = {}
    for existing in observed:
        if existing.address not in found or (existing.owner == owner != found[existing.address].owner):
            found[existing.address] = existing
    return found


def _check(want: Mapping[Address, Wanted], have: Mapping[Address, Observed], owner: str, adopt: bool) -> None:
    """Raise BadSpec for unknown references, and for resources that others own."""
    wrong: list[Diagnostic] = []
    for one in want.values():
        for need in sorted(one.dependencies):
            if need not in want and need not in have:
                wrong.append(Diagnostic("error", f"there is no {need} in this cloud", "", one.place))
        existing = have.get(one.address)
        if existing is None or existing.owner == owner:
            continue
        if existing.owner is not None:
            hint = "give it another name, or remove it from that spec"
            wrong.append(
                Diagnostic(
                    "error", f"{one.address} belongs to the spec '{existing.owner}'", "", one.place, hint
                )
            )
        elif not adopt:
            summary = f"{one.address} exists already, and OneStack did not create it"
            wrong.append(Diagnostic("error", summary, "", one.place, "--adopt takes it over"))
    if wrong:
        raise BadSpec("the cloud conflicts with this spec", sorted(wrong, key=_line))


def _line(found: Diagnostic) -> tuple[int, int]:
    place = found.place or Place("")
    return place.line or 0, place.column or 0


def _ordered(want: Mapping[Address, Wanted]) -> Iterator[Address]:
    """Addresses in the order of their dependencies."""
    graph = {address: one.dependencies & want.keys() for address, one in want.items()}
    return iter(TopologicalSorter(graph).static_order())


def _change(
    one: Wanted,
    existing: Observed | None,
    kind: Traits,
    before: Mapping[Address, Change],
    gone: Mapping[Address, Change],
    owner: str,
) -> Change | None:
    """The change of one resource, given those of the resources it needs."""
    if existing is None:
        after = {name: (None, value) for name, value in one.fields.items()}
        return Change("create", one.address, after, wanted=one)
    new = {address for address, change in before.items() if change.action in ("create", "replace")}
    differing: dict[str, tuple[Value, Value]] = {}
    for name, value in one.fields.items():
        if not same(value, existing.fields.get(name)):
            differing[name] = (existing.fields.get(name), value)
        elif new.intersection(refs(value)):
            # The same reference, but to a new id.
            differing[name] = (value, value)
    for name, value in existing.fields.items():
        if name not in one.fields and (remaining := _without(value, gone)) != value:
            differing[name] = (value, remaining)
    reasons = [f"{name} cannot be changed" for name in differing if name in kind.immutable]
    # A resource is replaced together with those that contain it.
    replaced = {*one.needs, *refs(one.create_only)} & new
    reasons += [f"{address} is replaced" for address in sorted(replaced)]
    if existing.owner != owner:
        differing["owner"] = (existing.owner, owner)
    if not differing and not reasons:
        return None
    action: Action = "replace" if reasons else "update"
    return Change(action, one.address, differing, "; ".join(reasons), one, existing)


def same(wanted: Value, existing: Value) -> bool:
    """Whether an observed value equals the desired one; of a mapping, only the keys that the spec sets count."""
    if isinstance(existing, Unknown):
        return True
    if isinstance(wanted, dict) and isinstance(existing, dict):
        return all(same(value, existing.get(key)) for key, value in wanted.items())
    if isinstance(wanted, (list, tuple)) and isinstance(existing, (list, tuple)):
        return len(wanted) == len(existing) and all(
            same(one, other) for one, other in zip(wanted, existing, strict=True)
        )
    return bool(wanted == existing)


def _without(value: Value, gone: Mapping[Address, Change]) -> Value:
    """The value of a field that the spec does not set: unchanged, without references to deleted resources."""
    if isinstance(value, Ref):
        return None if value.address in gone else value
    if isinstance(value, (list, tuple)) and any(isinstance(item, Ref) for item in value):
        return [item for item in value if not (isinstance(item, Ref) and item.address in gone)]
    return value


def _parent(existing: Observed) -> Address | None:
    return existing.needs[0] if existing.needs else None


def _is_deleted_with_parent(
    change: Change, changes: Mapping[Address, Change], kinds: Mapping[str, Traits]
) -> bool:
    """Whether OpenStack makes this deletion by itself, since the parent is deleted."""
    if (
        change.action != "delete"
        or change.observed is None
        or not kinds[change.address.kind].deleted_with_parent
    ):
        return False
    parent = _parent(change.observed)
    return parent in changes and changes[parent].action in ("delete", "replace") if parent else False
