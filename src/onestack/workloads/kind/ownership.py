"""How a resource says which spec made it, and under which name: written on itself, never in a file beside it.

A mark reads `SPEC:NAME`. Because it holds the name too, a resource that somebody renamed is still known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

KEY = "onestack"


class Mark(NamedTuple):
    """`owner`: the spec's name. `name`: the resource's, as the spec has it."""

    owner: str
    name: str

    def __str__(self) -> str:
        return f"{self.owner}:{self.name}"


def parse(text: object) -> Mark | None:
    """The mark that a text is, if it is one."""
    owner, colon, name = text.partition(":") if isinstance(text, str) else ("", "", "")
    return Mark(owner, name) if colon and owner else None


class Marking(Protocol):
    """A place on a resource where a mark can be."""

    def put(self, body: dict[str, Any], mark: Mark) -> None:
        """Add the mark to what is sent."""

    def take(self, raw: dict[str, Any]) -> Mark | None:
        """Read it from what was received, and take it out of what is compared."""


class InDescription:
    """At the end of the description: `The web shop [onestack shop:front]`. Atomic everywhere in Neutron."""

    _form = re.compile(rf"(.*?) ?\[{KEY} ([^\]]*)\]\Z", re.S)

    def put(self, body: dict[str, Any], mark: Mark) -> None:
        body["description"] = f"{body.get('description') or ''} [{KEY} {mark}]".lstrip()

    def take(self, raw: dict[str, Any]) -> Mark | None:
        match = self._form.match(raw.get("description") or "")
        if match is None:
            return None
        raw["description"] = match[1]
        return parse(match[2])


class InAttribute:
    """An attribute of its own: Keystone and Glance keep what they do not know."""

    def put(self, body: dict[str, Any], mark: Mark) -> None:
        body[KEY] = str(mark)

    def take(self, raw: dict[str, Any]) -> Mark | None:
        return parse(raw.get(KEY))


class InMetadata:
    """An entry of its metadata."""

    def put(self, body: dict[str, Any], mark: Mark) -> None:
        body["metadata"] = {**(body.get("metadata") or {}), KEY: str(mark)}

    def take(self, raw: dict[str, Any]) -> Mark | None:
        metadata: Mapping[str, Any] = raw.get("metadata") or {}
        raw["metadata"] = {key: value for key, value in metadata.items() if key != KEY}
        return parse(metadata.get(KEY))


class InTags:
    """A tag: Octavia's way."""

    def put(self, body: dict[str, Any], mark: Mark) -> None:
        body["tags"] = [f"{KEY}:{mark}"]

    def take(self, raw: dict[str, Any]) -> Mark | None:
        ours = (tag for tag in raw.get("tags") or () if tag.startswith(f"{KEY}:"))
        return parse(next(ours, "").partition(":")[2])


class Inherited:
    """Nowhere: it is its parent's, and belongs to whom that belongs."""

    def put(self, body: dict[str, Any], mark: Mark) -> None:
        return None

    def take(self, raw: dict[str, Any]) -> Mark | None:
        return None
