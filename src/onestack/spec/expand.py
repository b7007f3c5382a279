"""Expands `variables`, `templates` (used with `like`) and `count` in a spec. Positions in the file are preserved.

This is done before the models validate the data, so that models, plans and messages only handle the expanded
spec; each value keeps the line where it was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from onestack.core.errors import Place
from onestack.language.diagnostics import Diagnostic
from onestack.language.source import MAX_VALUES, Path, Places, Source

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_COUNT_MOST = 1000
# `${index}` is defined only in an item with `count`, `${tenant}` only in a tenant.
_SCOPED = ("index", "tenant")


@dataclass(frozen=True)
class _Node:
    """A value, with its position and its key's position in the file."""

    value: Any
    place: Place
    key: Place | None = None


def expand(source: Source) -> Source:
    """`source` with variables, templates and counts expanded; errors in them are added to its diagnostics."""
    if not isinstance(source.data, dict) or not {"tenants", "templates", "variables"} & source.data.keys():
        return source
    return _Expansion(source).source()


class _Expansion:
    def __init__(self, source: Source) -> None:
        self.places = source.places
        self.diagnostics: list[Diagnostic] = list(source.diagnostics)
        self.root = self._read(source.data, ())
        self.values = 0

    def source(self) -> Source:
        top: dict[str, _Node] = dict(self.root.value)
        variables = self._variables(top.pop("variables", None))
        templates = self._templates(top.get("templates"))
        if templates is not None:
            del top["templates"]
        tenants = top.get("tenants")
        if tenants and isinstance(tenants.value, list):
            merged = [self._with_template(tenant, templates or {}) for tenant in tenants.value]
            top["tenants"] = replace(tenants, value=merged)
        whole = self._fill(replace(self.root, value=top), variables)
        places = Places(self.places.file)
        return Source(self._write(whole, (), places), places, self.diagnostics)

    # Conversion from data to nodes and back.

    def _read(self, data: Any, path: Path) -> _Node:
        value = data
        if isinstance(data, dict):
            value = {key: self._read(item, (*path, key)) for key, item in data.items()}
        elif isinstance(data, list):
            value = [self._read(item, (*path, index)) for index, item in enumerate(data)]
        return _Node(value, self.places.value(*path), self.places.keys.get(path))

    def _write(self, node: _Node, path: Path, places: Places) -> Any:
        places.values[path] = node.place
        if node.key:
            places.keys[path] = node.key
        if isinstance(node.value, dict):
            return {key: self._write(item, (*path, key), places) for key, item in node.value.items()}
        if isinstance(node.value, list):
            return [self._write(item, (*path, index), places) for index, item in enumerate(node.value)]
        return node.value

    def _refuse(self, summary: str, place: Place, detail: str = "", hint: str = "") -> None:
        found = Diagnostic("error", summary, detail, place, hint)
        if found not in self.diagnostics:
            self.diagnostics.append(found)

    # Variables.

    def _variables(self, node: _Node | None) -> dict[str, Any]:
        if node is None:
            return {}
        if not isinstance(node.value, dict):
            self._refuse("'variables' is a mapping of names to values", node.place)
            return {}
        for item in node.value.values():
            if isinstance(item.value, (dict, list)):
                self._refuse("a variable's value is a text, a number, true or false", item.place)
        return {key: item.value for key, item in node.value.items()}

    def _fill(self, node: _Node, known: Mapping[str, Any]) -> _Node:
        """Replace variables by their values and repeat items with `count`."""
        self.values += 1
        if self.values > MAX_VALUES:
            return node
        if isinstance(node.value, dict):
            return replace(node, value={key: self._fill(item, known) for key, item in node.value.items()})
        if isinstance(node.value, list):
            items = [copy for item in node.value for copy in self._copies(item, known)]
            return replace(node, value=items)
        if isinstance(node.value, str) and "${" in node.value:
            return replace(node, value=self._text(node, known))
        return node

    def _text(self, node: _Node, known: Mapping[str, Any]) -> Any:
        if (only := _VARIABLE.fullmatch(node.value)) and only[1] in known:
            return known[only[1]]

        def value(match: re.Match[str]) -> str:
            if match[1] in known:
                found = known[match[1]]
                return str(getattr(found, "written", found))
            near = get_close_matches(match[1], known, 1)
            why = (
                " here: it is defined only in an item with 'count', or in a tenant"
                if match[1] in _SCOPED
                else ""
            )
            self._refuse(
                f"there is no variable '{match[1]}'{why}",
                node.place,
                f"one of {', '.join(known)}" if known else "name it under 'variables'",
                f"did you mean '{near[0]}'?" if near else "",
            )
            return ""

        return _VARIABLE.sub(value, node.value)

    def _copies(self, item: _Node, known: Mapping[str, Any]) -> list[_Node]:
        if not isinstance(item.value, dict) or "name" not in item.value:
            return [self._fill(item, known)]
        counted = item.value.get("count")
        how_many = self._fill(counted, known).value if counted else None
        if isinstance(how_many, bool) or not isinstance(how_many, int) or not 1 <= how_many <= _COUNT_MOST:
            return [self._fill_named(item, known)]
        bare = {key: value for key, value in item.value.items() if key != "count"}
        name = bare["name"]
        if isinstance(name.value, str) and "${index}" not in name.value:
            bare["name"] = replace(name, value=f"{name.value}-${{index}}")
        one = replace(item, value=bare)
        return [self._fill_named(one, {**known, "index": index}) for index in range(1, how_many + 1)]

    def _fill_named(self, item: _Node, known: Mapping[str, Any]) -> _Node:
        """Define `${tenant}` as the name of the outermost named item: only tenants contain further named items."""
        if "tenant" not in known and "flavor" not in item.value:
            name = self._fill(item.value["name"], known).value
            known = {**known, "tenant": name}
        return replace(item, value={key: self._fill(part, known) for key, part in item.value.items()})

    # Templates.

    def _templates(self, node: _Node | None) -> dict[str, _Node] | None:
        """Templates by name; None if the section is malformed, which the models then report."""
        if node is None or not isinstance(node.value, list):
            return None
        found: dict[str, _Node] = {}
        for item in node.value:
            name = item.value.get("name") if isinstance(item.value, dict) else None
            if name is None or not isinstance(name.value, str):
                return None
            if name.value in found:
                self._refuse(f"there are two templates '{name.value}'", name.place)
            found[name.value] = item
        return found

    def _with_template(
        self, tenant: _Node, templates: Mapping[str, _Node], chain: tuple[str, ...] = ()
    ) -> _Node:
        if not isinstance(tenant.value, dict) or "like" not in tenant.value:
            return tenant
        like = tenant.value["like"]
        name = like.value
        if name in chain:
            self._refuse(f"the template '{name}' refers to itself", like.place)
            return tenant
        if not isinstance(name, str) or name not in templates:
            near = get_close_matches(str(name), templates, 1)
            self._refuse(
                f"there is no template '{name}'",
                like.place,
                f"one of {', '.join(templates)}" if templates else "list it under 'templates'",
                f"did you mean '{near[0]}'?" if near else "",
            )
            bare = {key: value for key, value in tenant.value.items() if key != "like"}
            return replace(tenant, value=bare)
        base = self._with_template(templates[name], templates, (*chain, name))
        own = {key: value for key, value in tenant.value.items() if key != "like"}
        return _merged(base, replace(tenant, value=own))


def _merged(base: _Node, own: _Node) -> _Node:
    """`base` overridden by `own`: mappings by key, lists of named items by name, anything else as a whole."""
    if isinstance(base.value, dict) and isinstance(own.value, dict):
        merged = dict(base.value)
        for key, item in own.value.items():
            merged[key] = _merged(merged[key], item) if key in merged else item
        return replace(own, value=merged)
    if _are_named(base) and _are_named(own):
        by_name = {item.value["name"].value: item for item in own.value}
        names = [item.value["name"].value for item in base.value]
        items = [
            _merged(item, by_name[name]) if name in by_name else item
            for item, name in zip(base.value, names, strict=True)
        ]
        return replace(own, value=items + [item for name, item in by_name.items() if name not in names])
    return own


def _are_named(node: _Node) -> bool:
    return isinstance(node.value, list) and all(
        isinstance(item.value, dict) and "name" in item.value and isinstance(item.value["name"].value, str)
        for item in node.value
    )
