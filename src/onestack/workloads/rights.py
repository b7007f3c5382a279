"""What an account may do with a spec: what it only refers to, what it may not set, what its quotas leave. Pure.

An administrator of the cloud creates all kinds. Others refer to what only administrators create by OpenStack's own
policies, and each finding names the place in the file: a plan fails before anything was changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from onestack.core.errors import OneStackError, Place
from onestack.language.diagnostics import Diagnostic
from onestack.workloads.kind.discovery import Kinds
from onestack.workloads.plan.make import same
from onestack.workloads.plan.model import Change, Observed, Plan, Wanted
from onestack.workloads.plan.values import Address, Value

_NO_ADMIN = "the account is no administrator of this cloud"


class Share(NamedTuple):
    """Of a project's limit: the limit (-1: none), and what is in use."""

    limit: int
    used: int


Shares = Mapping[tuple[str, str], Mapping[str, Share]]
"""By tenant (the first part of its address) and service: the limits by the API's names."""


class Sorted(NamedTuple):
    """`managed`: what the account creates and changes. `notes`: what it only refers to or leaves alone, in words.
    `wrong`: what cannot be had."""

    managed: list[Wanted]
    notes: list[str]
    wrong: list[Diagnostic]


def is_reference(one: Wanted, kinds: Kinds, tenants: frozenset[str]) -> bool:
    """Whether an account that is no administrator can only refer to it. `tenants`: the first parts of addresses of
    what is in tenants."""
    path = one.address.path
    return kinds[one.address.kind].administrative or len(path) < 2 or path[0] not in tenants


def sort_out(
    wanted: Sequence[Wanted],
    observed: Iterable[Observed],
    kinds: Kinds,
    unavailable: Mapping[str, OneStackError],
    *,
    administrator: bool,
) -> Sorted:
    """Separate what the account manages from what it refers to, and find what it can do neither with.

    `unavailable`: by the names of kinds, why their lists could not be read.
    """
    tenants = frozenset(one.address.path[0] for one in wanted if one.address.kind == "tenant")
    have: dict[Address, Observed] = {}
    for existing in observed:
        have.setdefault(existing.address, existing)
    managed: list[Wanted] = []
    notes: list[str] = []
    wrong: list[Diagnostic] = []
    left_alone: dict[str, list[Wanted]] = {}
    for one in wanted:
        kind = kinds[one.address.kind]
        reason = unavailable.get(kind.name)
        if kind.own_clouds_only:
            wrong.append(_error(f"{one.address} cannot be in this cloud: {kind.own_clouds_only}", one.place))
        elif administrator or not is_reference(one, kinds, tenants):
            if reason is None:
                managed.append(one)
            else:
                summary = f"{one.address} cannot be managed in this cloud: {reason.summary}"
                wrong.append(_error(summary, one.place, f"seen at {reason.where}"))
        elif kind.name == "tenant":
            continue
        elif reason is not None or (kind.service == "identity" and kind.name != "quota"):
            left_alone.setdefault(kind.name, []).append(one)
        elif one.address not in have:
            hint = "the cloud's administrator creates it; or take it out of the file"
            wrong.append(_error(f"there is no {one.address} in this cloud, and {_NO_ADMIN}", one.place, hint))
        else:
            notes += _differences(one, have[one.address], kind.essential or _limits(one))
    # What only orders the changes need not be there.
    references = {one.address for one in wanted} - {one.address for one in managed}
    managed = [
        replace(one, needs=tuple(each for each in one.needs if each not in references or each in have))
        for one in managed
    ]
    notes += [f"left alone: {_listed(each)} ({_NO_ADMIN})" for each in left_alone.values()]
    return Sorted(managed, notes, wrong)


def forbidden(plan: Plan, kinds: Kinds) -> Iterator[Diagnostic]:
    """The changes that an account that is no administrator may not make, by OpenStack's own policies."""
    for change in plan.changes:
        kind = kinds[change.address.kind]
        if change.wanted is None:
            continue
        sent: dict[str, Value] = {name: after for name, (_, after) in change.fields.items()}
        if change.action != "update":
            sent = {**change.wanted.fields, **change.wanted.create_only}
        for field in kind.forbidden(sent):
            yield _error(
                f"{change.address}: only an administrator may set '{field}', and {_NO_ADMIN}",
                change.place,
                "take it out of the file; --force tries it nevertheless",
            )


def beyond_quota(
    plan: Plan, observed: Iterable[Observed], kinds: Kinds, shares: Shares
) -> Iterator[Diagnostic]:
    """The limits that a plan would exceed, each at the first resource that does not fit."""
    fields: dict[Address, Mapping[str, Value]] = {one.address: one.fields for one in observed}
    fields |= {change.address: change.wanted.fields for change in plan.changes if change.wanted}
    freed: dict[tuple[str, str, str], int] = {}
    for change in plan.of("delete"):
        for key, number in _uses(change, fields, kinds):
            freed[key] = freed.get(key, 0) + number
    more: dict[tuple[str, str, str], int] = {}
    first: dict[tuple[str, str, str], Change] = {}
    limits = {
        (tenant, service, word): share
        for (tenant, service), words in shares.items()
        for word, share in words.items()
    }
    for change in sorted(plan.of("create"), key=_line):
        for key, number in _uses(change, fields, kinds):
            more[key] = more.get(key, 0) + number
            share = limits.get(key)
            if share and 0 <= share.limit < share.used - freed.get(key, 0) + more[key]:
                first.setdefault(key, change)
    for key, change in first.items():
        (tenant, service, word), share = key, limits[key]
        yield _error(
            f"the quota of '{tenant}' is too small: {service} {word}: the limit is {share.limit}, "
            f"{share.used} are in use, and the file needs {more[key]} more",
            change.place,
            f"{change.address} is the first that does not fit; --force tries it nevertheless",
        )


def _uses(
    change: Change, fields: Mapping[Address, Mapping[str, Value]], kinds: Kinds
) -> Iterator[tuple[tuple[str, str, str], int]]:
    one = change.wanted or change.observed
    kind = kinds[change.address.kind]
    if one is None or len(change.address.path) < 2:
        return
    for word, number in kind.uses(one.fields, fields).items():
        yield (change.address.path[0], kind.service, word), number


def _differences(one: Wanted, existing: Observed, essential: Iterable[str]) -> Iterator[str]:
    for field in essential:
        value, there = one.fields.get(field), existing.fields.get(field)
        if field in one.fields and not same(value, there):
            yield f"{one.address}: {field} is {there} in this cloud; the file says {value} ({one.place})"


def _limits(one: Wanted) -> Iterable[str]:
    return one.fields if one.address.kind == "quota" else ()


def _listed(these: list[Wanted]) -> str:
    names = [str(one.address) for one in these]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _line(change: Change) -> tuple[int, int]:
    place = change.place or Place("")
    return place.line or 0, place.column or 0


def _error(summary: str, place: Place | None, hint: str = "") -> Diagnostic:
    return Diagnostic("error", summary, "", place, hint)
