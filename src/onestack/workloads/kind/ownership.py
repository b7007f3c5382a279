"""The ownership label: which spec a resource belongs to, and its name there. It is stored on the resource itself.

A label reads `SPEC:NAME`. It contains the name, so that a resource is still recognised after somebody renamed it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

KEY = "onestack"


class OwnerLabel(NamedTuple):
    """`owner`: the spec's name. `name`: the resource's name in the spec."""

    owner: str
    name: str

    def __str__(self) -> str:
        return f"{self.owner}:{self.name}"


def parse(text: object) -> OwnerLabel | None:
    """The label in a text; None if it is none."""
    owner, colon, name = text.partition(":") if isinstance(text, str) else ("", "", "")
    return OwnerLabel(owner, name) if colon and owner else None


class LabelPlace(Protocol):
    """Where a resource can store its ownership label."""

    def put(self, body: dict[str, Any], label: OwnerLabel) -> None:
        """Add the label to a request."""

    def take(self, raw: dict[str, Any]) -> OwnerLabel | None:
        """Read it from a response, and remove it from what is compared."""


class InDescription:
    """At the end of the description: `The web shop [onestack shop:front]`. It is set in the same request as the other
    fields."""

    _form = re.compile(rf"(.*?) ?\[{KEY} ([^\]]*)\]\Z", re.S)

    def put(self, body: dict[str, Any], label: OwnerLabel) -> None:
        body["description"] = f"{body.get('description') or ''} [{KEY} {label}]".lstrip()

    def take(self, raw: dict[str, Any]) -> OwnerLabel | None:
        match = self._form.match(raw.get("description") or "")
        if match is None:
            return None
        raw["description"] = match[1]
        return parse(match[2])


class InAttribute:
    """An attribute of its own: Keystone and Glance store attributes that they do not know."""

    def put(self, body: dict[str, Any], label: OwnerLabel) -> None:
        body[KEY] = str(label)

    def take(self, raw: dict[str, Any]) -> OwnerLabel | None:
        return parse(raw.get(KEY))


class InMetadata:
    """An entry of the resource's metadata."""

    def put(self, body: dict[str, Any], label: OwnerLabel) -> None:
        body["metadata"] = {**(body.get("metadata") or {}), KEY: str(label)}

    def take(self, raw: dict[str, Any]) -> OwnerLabel | None:
        metadata: Mapping[str, Any] = raw.get("metadata") or {}
        raw["metadata"] = {key: value for key, value in metadata.items() if key != KEY}
        return parse(metadata.get(KEY))


class InTags:
    """A tag, as in Octavia. Others stay."""

    def put(self, body: dict[str, Any], label: OwnerLabel) -> None:
        body["tags"] = [*(body.get("tags") or ()), f"{KEY}:{label}"]

    def take(self, raw: dict[str, Any]) -> OwnerLabel | None:
        tags = raw.get("tags") or ()
        ours = [tag for tag in tags if tag.startswith(f"{KEY}:")]
        raw["tags"] = [tag for tag in tags if tag not in ours]
        return parse(ours[0].partition(":")[2]) if ours else None


class Inherited:
    """Nowhere: the owner is that of the resource's parent."""

    def put(self, body: dict[str, Any], label: OwnerLabel) -> None:
        return None

    def take(self, raw: dict[str, Any]) -> OwnerLabel | None:
        return None


class InName:
    """At the end of the name, for what can store nothing else: `apart [onestack shop:apart]`."""

    _form = re.compile(rf"(.+?) \[{KEY} ([^\]]*)\]\Z", re.S)

    def put(self, body: dict[str, Any], label: OwnerLabel) -> None:
        body["name"] = f"{body['name']} [{KEY} {label}]"

    def take(self, raw: dict[str, Any]) -> OwnerLabel | None:
        match = self._form.match(raw.get("name") or "")
        if match is None:
            return None
        raw["name"] = match[1]
        return parse(match[2])
