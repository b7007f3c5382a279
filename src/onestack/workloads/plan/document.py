"""A plan as JSON, with a version: for programs, and for `apply FILE`, which executes exactly this plan."""

from __future__ import annotations

from typing import Any

from onestack.workloads.plan.model import Change, Plan
from onestack.workloads.plan.several import SeveralPlans
from onestack.workloads.plan.values import FromFile, Ref, Secret, Unknown, Value, convert

VERSION = 1


def as_data(plan: Plan) -> dict[str, Any]:
    """The plan as plain data."""
    if isinstance(plan, SeveralPlans):
        return _several(plan)
    return _one(plan)


def _several(plan: SeveralPlans) -> dict[str, Any]:
    parts = {name: as_data(part) for name, part in plan.parts.items()}
    found = {name: {"summary": part["summary"]} for name, part in parts.items()}
    away = {name: error.as_dict() for name, error in plan.away.items()}
    left = [{"cloud": name, **each} for name, part in parts.items() for each in part["left"]]
    return {**_one(plan), "left": left, "clouds": {**found, **away}}


def _one(plan: Plan) -> dict[str, Any]:
    add, change, destroy = plan.counts()
    notes = {"notes": list(plan.notes)} if plan.notes else {}
    return {
        **notes,
        "version": VERSION,
        "owner": plan.owner,
        "summary": {"add": add, "change": change, "destroy": destroy, "wanted": plan.wanted},
        "changes": [_change(one) for one in plan.changes],
        "left": [
            {"kind": one.address.kind, "path": list(one.address.path), "id": one.id} for one in plan.left
        ],
    }


def _change(change: Change) -> dict[str, Any]:
    place = change.place
    data: dict[str, Any] = {
        "cloud": change.cloud or None,
        "action": change.action,
        "kind": change.address.kind,
        "path": list(change.address.path),
        "id": change.observed.id if change.observed else None,
        "fields": {
            name: {"before": plain(before), "after": plain(after)}
            for name, (before, after) in sorted(change.fields.items())
        },
        "why": change.why or None,
        "place": {"file": place.file, "line": place.line} if place and place.line else None,
    }
    return {key: value for key, value in data.items() if value not in (None, {})}


def plain(value: Value) -> Any:
    """A field's value in its JSON form."""

    def plain_item(item: Value) -> Any:
        if isinstance(item, (Ref, Secret, Unknown)):
            return str(item)
        return f"file:{item.path}" if isinstance(item, FromFile) else item

    return convert(value, plain_item)
