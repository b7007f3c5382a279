"""Generates the spec's reference as Markdown from its JSON Schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from onestack.spec import json_schema
from onestack.spec.compose import whole
from onestack.spec.json_schema import Fragment, Schema
from onestack.spec.model import Spec

_HEAD = """\
# The spec: a cloud in one file

<!-- Generated from the models by `onestack.spec.reference()`; tests/spec/test_reference.py compares the two. -->

`onestack up cloud.yaml` brings up the cloud that the file describes. All keys are optional unless marked.
A key that is not listed here is an error, which names its line and the most similar key. Text needs no quotes;
a number where text is expected is taken as it is written (`release: 2026.2`).

The JSON Schema for editors: `onestack schema`.

"""


def reference(model: type[Spec] | None = None) -> str:
    """The complete reference for a spec's model, by default OneStack's own."""
    schema = json_schema.of(model or whole())
    return _HEAD + "\n".join(_section(schema, schema.follow(schema.whole), (), {})) + "\n"


def _section(schema: Schema, here: Fragment, path: tuple[str, ...], written: dict[str, str]) -> Iterator[str]:
    # A section that occurs in several places (templates contain the same keys as tenants) is described once, at the
    # first.
    yield f"## {'.'.join(path).replace('.[', '[')}" if path else "## The file"
    yield ""
    yield str(here.get("description", ""))
    yield ""
    if example := here.get("x-example"):
        yield from ("```yaml", example.rstrip(), "```", "")
    if variants := here.get("variants"):
        yield from _variants(schema, variants, path, written)
        return
    yield "| Key | Allowed | Default | |"
    yield "| --- | --- | --- | --- |"
    inner: list[tuple[Fragment, tuple[str, ...]]] = []
    for key, value in here["properties"].items():
        target = schema.follow(value)
        if "properties" in target:
            anchor = _place(target, (*path, key), inner, written)
            allowed, default = f"[a mapping]({anchor})", ""
        elif "properties" in (item := schema.follow(target.get("items", {}))):
            anchor = _place(item, (*path, key, "[]"), inner, written)
            allowed, default = f"a list of [mappings]({anchor})", _default(value)
        elif "properties" in (entry := schema.at((*path, key, "NAME"))):
            anchor = _place(entry, (*path, key, "NAME"), inner, written)
            allowed, default = f"a mapping of names to [mappings]({anchor})", ""
        else:
            allowed, default = schema.allowed(value), _default(value)
        description = value.get("description") or target.get("description", "")
        if key in here.get("required", ()):
            default = "**required**"
        yield f"| `{key}` | {allowed} | {default} | {_line(description)} |"
    yield ""
    for fragment, place in inner:
        yield from _section(schema, fragment, place, written)


def _variants(
    schema: Schema, variants: Mapping[str, Fragment], path: tuple[str, ...], written: dict[str, str]
) -> Iterator[str]:
    """A mapping that is one of several types: a table of the types, and a section for each."""
    inner = [(each, (*path[:-1], f"[type={name}]")) for name, each in variants.items()]
    yield "| `type` | |"
    yield "| --- | --- |"
    for name, (each, place) in zip(variants, inner, strict=True):
        yield f"| [`{name}`]({_anchor(place)}) | {_line(str(each.get('description', '')))} |"
    yield ""
    for each, place in inner:
        yield from _section(schema, each, place, written)


def _place(
    fragment: Fragment,
    path: tuple[str, ...],
    inner: list[tuple[Fragment, tuple[str, ...]]],
    written: dict[str, str],
) -> str:
    """The anchor of a section, which is queued for output if it is new."""
    title = str(fragment["title"])
    if title not in written:
        written[title] = _anchor(path)
        inner.append((fragment, path))
    return written[title]


def _default(value: Fragment) -> str:
    if "x-default" in value:
        return str(value["x-default"])
    default = value.get("default")
    if default in (None, [], ""):
        return ""
    if isinstance(default, list):
        return f"`[{', '.join(str(item) for item in default)}]`"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _anchor(path: tuple[str, ...]) -> str:
    return "#" + re.sub(r"[][=]", "", "".join(path)).lower()


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
