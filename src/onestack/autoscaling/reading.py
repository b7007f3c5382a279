"""Reads a scaling group from its record (`onestack.autoscaling.record`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onestack.autoscaling import record
from onestack.spec import ScalingGroup


@dataclass(frozen=True)
class Record:
    """A group as stored in its record. `template`, `placed`: fields of OpenStack's APIs, with ids."""

    id: str
    project: str
    name: str
    settings: ScalingGroup
    template: Mapping[str, Any]
    placed: Mapping[str, Any]
    desired: int
    suspended: bool = False
    phase: str = ""
    previous: Mapping[str, Any] | None = None
    asked: str = ""

    @property
    def digest(self) -> str:
        """Identifies the template."""
        return record.digest(self.template)

    @property
    def pool(self) -> str | None:
        return self.placed.get("pool")


def read(raw: Mapping[str, Any]) -> Record:
    """The group of a record from Glance. Raises ValueError for one that cannot be read."""
    template, placed, settings = record.parsed(raw)
    group = ScalingGroup.model_validate(record.without_empty(settings))
    desired = raw.get(record.DESIRED)
    before = raw.get(record.PREVIOUS)
    return Record(
        id=str(raw["id"]),
        project=str(raw["owner"]),
        name=group.name,
        settings=group,
        template=template,
        placed=placed,
        desired=min(max(int(desired), group.min), group.max) if desired else group.min,
        suspended=group.suspended if not raw.get(record.SUSPENDED) else raw[record.SUSPENDED] == "yes",
        phase=str(raw.get(record.PHASE) or ""),
        previous=json.loads(before) if before else None,
        asked=str(raw.get(record.ASKED) or ""),
    )
