"""A spec's JSON Schema: for editors, and as the source of descriptions in errors and in the reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from onestack.spec import services
from onestack.spec.compose import whole
from onestack.spec.model import Spec

Fragment = Mapping[str, Any]


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a spec."""
    return dict(of(whole()).whole)


def of(model: type[Spec]) -> Schema:
    """The schema of a spec's model, with the present services."""
    return _made(model, services.types())


@cache
def _made(model: type[Spec], known: tuple[str, ...]) -> Schema:
    return Schema(model)


class Schema:
    """`whole`: the JSON Schema itself. The methods take paths in the spec."""

    def __init__(self, model: type[Spec]) -> None:
        made = model.model_json_schema()
        self.whole: Mapping[str, Any] = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **made,
            "title": "OneStack spec",
        }

    def follow(self, fragment: Fragment) -> Fragment:
        """Resolve a reference or a nullable type."""
        if "$ref" in fragment:
            return self.follow(self.whole["$defs"][fragment["$ref"].rsplit("/", 1)[1]])
        if "anyOf" in fragment:
            kinds = [kind for kind in fragment["anyOf"] if kind.get("type") != "null"]
            if len(kinds) == 1:
                return self.follow(kinds[0])
        if "oneOf" in fragment:
            return self._any_of(fragment)
        return fragment

    def _any_of(self, fragment: Fragment) -> Fragment:
        """A mapping that is one of several types, merged into one with all their keys. `variants`: the types by
        name."""
        variants = {each["properties"]["type"]["const"]: each for each in map(self.follow, fragment["oneOf"])}
        keys: dict[str, Any] = {}
        for each in variants.values():
            keys = {**each["properties"], **keys}
        keys["type"] = {"enum": list(variants)}
        return {**fragment, "type": "object", "properties": keys, "variants": variants}

    def at(self, path: Sequence[str | int]) -> Fragment:
        """The schema of the value at `path`; empty if there is none."""
        here = self.follow(self.whole)
        for step in path:
            if isinstance(step, int):
                items = here.get("prefixItems") or []
                here = items[step] if step < len(items) else here.get("items") or {}
            else:
                here = here.get("properties", {}).get(step) or _entry(here)
            here = self.follow(here)
        return here

    def paths_of_key(self, key: str) -> Iterator[tuple[str, ...]]:
        """All paths of sections (through lists) in which `key` is allowed."""

        def search(fragment: Fragment, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
            if path[:1] == ("templates",):  # as tenants
                return
            here = self.follow(fragment)
            if key in here.get("properties", {}):
                yield path
            for name, inner in here.get("properties", {}).items():
                yield from search(inner, (*path, name))
            if "items" in here:
                yield from search(here["items"], path)

        return search(self.whole, ())

    def allowed(self, fragment: Fragment) -> str:
        """A description of the allowed values."""
        here = self.follow(fragment)
        if allowed := here.get("x-allowed"):
            return str(allowed)
        if "const" in here:
            return quoted(here["const"])
        if "enum" in here:
            return "one of " + ", ".join(quoted(value) for value in here["enum"])
        kind = here.get("type")
        if kind in ("integer", "number"):
            return {"integer": "a whole number", "number": "a number"}[kind] + _range(here)
        if kind == "boolean":
            return "true or false"
        if kind == "string":
            return "text"
        if kind == "array":
            if "prefixItems" in here:
                return f"a list of {len(here['prefixItems'])}, each {self.allowed(here['prefixItems'][0])}"
            return f"a list, each {self.allowed(here.get('items', {}))}"
        if kind == "object" and "properties" in here:
            return f"a mapping with the keys {', '.join(here.get('properties', {}))}"
        return "something else"


def _entry(fragment: Fragment) -> Fragment:
    """The schema of the values of a mapping whose keys are free."""
    for entry in fragment.get("patternProperties", {}).values():
        return dict(entry)
    return {}


def quoted(value: object) -> str:
    """A value as it is written in YAML."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _range(here: Fragment) -> str:
    low, above, high = here.get("minimum"), here.get("exclusiveMinimum"), here.get("maximum")
    if above is not None:
        return f" above {above}" + (f", at most {high}" if high is not None else "")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f" from {low}" if low is not None else ""
