"""How a scaling group is stored: in OpenStack itself, so that there is no other state to lose.

A group is a hidden image record of its project (Glance stores properties of any length, and a tenant may read its
own): its definition as JSON, its desired size, whether it is suspended, and the previous template. Members are
servers with the record's id in their metadata.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

KIND = "onestack_kind"
SCALING_GROUP = "scaling group"
"""The property that marks records, and its value."""
DEFINITION, DESIRED, SUSPENDED = "onestack_definition", "onestack_desired", "onestack_suspended"
PREVIOUS, PHASE, ASKED = "onestack_previous", "onestack_phase", "onestack_asked"
LEAVING, ROLLED_BACK = "leaving", "rolled back"
"""Phases: the group is being deleted; its last template failed and the previous one is used."""
ASKED_SIZE = "size"
"""`scale GROUP --to N`: the size applies for a stabilisation window, as if it had been recommended."""
ASKED_POLICY = "policy:"
"""`scale GROUP --policy P`: this policy's recommendation is applied once."""
LARGEST = 60_000
"""Characters of a definition; Glance stores at most 65,535 bytes of a property."""

TEMPLATE = ("image", "flavor", "network", "security_groups", "public_key", "user_data")
"""The fields of the members' template: a change of one replaces members."""
PLACED = ("pool", "port", "server_group")
"""The ids of the members' pool and server group, and the port in the pool."""

GROUP, DIGEST, WARM, GOES = "onestack_scaling", "onestack_template", "onestack_warm", "onestack_leaving"
"""In a member's metadata: its record's id; its template's digest; whether it is in the warm pool; since when it is
leaving."""
TAG = "onestack-scaling"
"""A tag of every member, by which they can be listed."""


def digest(template: Mapping[str, Any]) -> str:
    """A digest of a template, twelve hexadecimal digits."""
    text = json.dumps({key: template.get(key) for key in TEMPLATE}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def text(template: Mapping[str, Any], placed: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """The text of a definition. Raises ValueError if it is too long."""
    written = json.dumps({"template": template, "placed": placed, "settings": settings}, sort_keys=True)
    if len(written) > LARGEST:
        raise ValueError(f"the group's definition has {len(written)} characters; {LARGEST} at most")
    return written


def parsed(raw: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The template, placement and settings of a record from Glance. Raises ValueError if it is no group's record."""
    try:
        found = json.loads(raw[DEFINITION])
        return dict(found["template"]), dict(found["placed"]), dict(found["settings"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the record {raw.get('id')} has no definition: {error}") from error


def without_empty(settings: Any) -> Any:
    """The settings without empty values: a record has every key, so that a plan detects a removed one."""
    if isinstance(settings, dict):
        return {key: without_empty(value) for key, value in settings.items() if value not in (None, [])}
    return [without_empty(value) for value in settings] if isinstance(settings, list) else settings
