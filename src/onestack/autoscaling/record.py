"""How a scaling group is stored in OpenStack itself, so that there is no other state to lose.

A group is a hidden image record of its project (Glance keeps properties of any length, and a tenant may read its
own): its definition as JSON, its desired size, whether it is suspended, and the template
before the last change. Members are servers that carry the record's id in their metadata.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onestack.spec.scaling_groups import ScalingGroup

KIND = "onestack_kind"
SCALING_GROUP = "scaling group"
"""The property by which records are found, and its value."""
DEFINITION, DESIRED, SUSPENDED = "onestack_definition", "onestack_desired", "onestack_suspended"
PREVIOUS, PHASE, ASKED = "onestack_previous", "onestack_phase", "onestack_asked"
LEAVING, ROLLED_BACK = "leaving", "rolled back"
"""Phases: the group is being deleted; its last template failed and the previous one is used."""
ASKED_SIZE = "size"
"""`scale GROUP --to N`: the size holds for a window, as if it had been recommended."""
ASKED_POLICY = "policy:"
"""`scale GROUP --policy P`: this policy's recommendation is applied once."""
LARGEST = 60_000
"""Characters of a definition; Glance keeps 65,535 bytes of a property."""

TEMPLATE = ("image", "flavor", "network", "security_groups", "public_key", "user_data")
"""The template of members: a change of a value replaces members."""
PLACED = ("pool", "port", "server_group")
"""Ids of the pool and server group of members, and the port in the pool."""

GROUP, DIGEST, WARM, GOES = "onestack_scaling", "onestack_template", "onestack_warm", "onestack_leaving"
"""In a member's metadata: its record's id; its template's digest; whether it is warm; since when it is leaving."""
TAG = "onestack-scaling"
"""On every member, so that they can be listed among others."""


@dataclass(frozen=True)
class Record:
    """A group as its record says. `template`, `placed`: ids in the words of OpenStack's APIs."""

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
        """What tells this template from another."""
        return digest(self.template)

    @property
    def pool(self) -> str | None:
        return self.placed.get("pool")


def digest(template: Mapping[str, Any]) -> str:
    """Twelve digits that change with a template."""
    text = json.dumps({key: template.get(key) for key in TEMPLATE}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def text(template: Mapping[str, Any], placed: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """A definition as it is kept. Raises ValueError if it is too long."""
    written = json.dumps({"template": template, "placed": placed, "settings": settings}, sort_keys=True)
    if len(written) > LARGEST:
        raise ValueError(f"the group's definition has {len(written)} characters; {LARGEST} at most")
    return written


def parsed(raw: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Template, placed and settings of a record as Glance gives it. Raises ValueError for what is none of ours."""
    try:
        found = json.loads(raw[DEFINITION])
        return dict(found["template"]), dict(found["placed"]), dict(found["settings"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the record {raw.get('id')} has no definition: {error}") from error


def renewed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as this version writes them: another one may have said the same with other keys."""
    try:
        return ScalingGroup.model_validate(_said(settings)).model_dump(mode="json", by_alias=True)
    except ValueError:
        return dict(settings)


def read(raw: Mapping[str, Any]) -> Record:
    """A record as Glance gives it. Raises ValueError for one that cannot be read."""
    template, placed, settings = parsed(raw)
    group = ScalingGroup.model_validate(_said(settings))
    desired = raw.get(DESIRED)
    before = raw.get(PREVIOUS)
    return Record(
        id=str(raw["id"]),
        project=str(raw["owner"]),
        name=group.name,
        settings=group,
        template=template,
        placed=placed,
        desired=min(max(int(desired), group.min), group.max) if desired else group.min,
        suspended=group.suspended if not raw.get(SUSPENDED) else raw[SUSPENDED] == "yes",
        phase=str(raw.get(PHASE) or ""),
        previous=json.loads(before) if before else None,
        asked=str(raw.get(ASKED) or ""),
    )


def _said(settings: Any) -> Any:
    """Without what nobody said: a record has every key, so that a plan sees one that was taken out."""
    if isinstance(settings, dict):
        return {key: _said(value) for key, value in settings.items() if value not in (None, [])}
    return [_said(value) for value in settings] if isinstance(settings, list) else settings
