"""Converts pydantic's errors to diagnostics that help a person: what is wrong, what is allowed, what was probably
meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from onestack.language.diagnostics import Diagnostic
from onestack.language.source import Path, Source
from onestack.language.types import REFUSED, words
from onestack.spec.json_schema import Schema, quoted

Item = Mapping[str, Any]

# A default that could not be derived, since the key that it depends on is wrong, which is reported already.
_CONSEQUENCES = {"default_factory_not_called"}
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def explain(error: ValidationError, source: Source, schema: Schema) -> list[Diagnostic]:
    """One diagnostic for each error."""
    items = (item for item in error.errors(include_url=False) if item["type"] not in _CONSEQUENCES)
    file = _File(source, schema)
    return [found for item in items for found in _finding(item, file)]


@dataclass(frozen=True)
class _File:
    """The file's content, and its schema."""

    source: Source
    schema: Schema


def _finding(item: Item, file: _File) -> Iterator[Diagnostic]:
    path, missing = _split_path(tuple(item["loc"]), file.source.data)
    if item["type"] == REFUSED:
        for problem in item["ctx"]["problems"]:
            where = (*path, *problem.path)
            allowed = _lines(problem.allowed, file.source)
            yield _wrong(where, file, problem.summary, allowed, problem.hint)
        return
    yield _EXPLAIN.get(item["type"], _other)(path, missing, item, file)


def _wrong(path: Path, file: _File, summary: str, allowed: str = "", hint: str = "") -> Diagnostic:
    """An error about a value; `allowed` comes from the schema if the error has no description."""
    allowed = allowed or file.schema.allowed(file.schema.at(path))
    return Diagnostic("error", summary, f"allowed: {allowed}", file.source.places.value(*path), hint)


def _split_path(loc: Path, data: Any) -> tuple[Path, str]:
    """The steps of `loc` that exist in the data (pydantic also includes the names of union members), and the next
    one."""
    path: list[str | int] = []
    here = data
    missing = ""
    for step in loc:
        inside = (isinstance(here, dict) and step in here) or (
            isinstance(here, list) and isinstance(step, int) and step < len(here)
        )
        if inside:
            path.append(step)
            here = here[step]
        else:
            missing = str(step)
    return tuple(path), missing


def _unknown(path: Path, missing: str, item: Item, file: _File) -> Diagnostic:
    *around, key = path
    keys = list(file.schema.at(around).get("properties", {}))
    hint = _suggestion(str(key), keys, tuple(around), file)
    return Diagnostic(
        "error", f"unknown key '{key}'", f"allowed: {', '.join(keys)}", file.source.places.key(*path), hint
    )


def _suggestion(key: str, keys: list[str], around: Path, file: _File) -> str:
    """The most similar key that is allowed here, or else the sections where this key is allowed."""
    plain = key.lower().replace("-", "_")
    if near := get_close_matches(plain, keys, 1, cutoff=0.7):
        return f"did you mean '{near[0]}'?"
    elsewhere = [path for path in file.schema.paths_of_key(plain) if path != around]
    # The nearest sections first; among many, any is a guess.
    elsewhere = [path for path in elsewhere if path[:1] == around[:1] and path] or elsewhere
    if 0 < len(elsewhere) <= 3:
        return "did you mean " + " or ".join(f"'{'.'.join((*path, plain))}'" for path in elsewhere) + "?"
    near = get_close_matches(plain, keys, 1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else ""


def _absent(path: Path, missing: str, item: Item, file: _File) -> Diagnostic:
    if file.schema.at(path).get("type") == "array":
        return _wrong(path, file, f"{label(path)} is too short")
    allowed = file.schema.allowed(file.schema.at((*path, missing)))
    return _wrong(path, file, f"the key '{missing}' is missing", allowed)


def _choice(path: Path, missing: str, item: Item, file: _File) -> Diagnostic:
    fragment = file.schema.at(path)
    choices = [quoted(value) for value in fragment.get("enum", [fragment.get("const")])]
    given = str(item["input"]).lower()
    given = {"on": "true", "yes": "true", "off": "false", "no": "false"}.get(given, given)
    near = get_close_matches(given, choices, 1)
    hint = f"did you mean {near[0]}?" if near else ""
    return _wrong(path, file, f"{label(path)} cannot be {words(item['input'])}", hint=hint)


def _range(path: Path, missing: str, item: Item, file: _File) -> Diagnostic:
    size = "small" if item["type"].startswith("greater") else "large"
    return _wrong(path, file, f"{label(path)} is too {size}: {item['input']}")


def _length(path: Path, missing: str, item: Item, file: _File) -> Diagnostic:
    size = "short" if item["type"] == "too_short" else "long"
    return _wrong(path, file, f"{label(path)} is too {size}")


def _kind(path: Path, missing: str, item: Item, file: _File) -> Diagnostic:
    fragment, given = file.schema.at(path), item["input"]
    kind = fragment.get("type")
    hint = ""
    if given is None:
        hint = "leave the key out, or give it a value" if path else "try `version: 1`"
    elif isinstance(given, str) and kind in ("integer", "number") and _NUMBER.fullmatch(given):
        hint = f"write {given} without quotes"
    elif kind == "array" and isinstance(given, str):
        hint = f"write [{given}]"
    elif kind == "string" and isinstance(given, bool):
        hint = "put it in quotes"
    text = "the text " if isinstance(given, str) else ""
    return _wrong(path, file, f"{label(path)} cannot be {text}{words(given)}", hint=hint)


def _other(path: Path, missing: str, item: Item, file: _File) -> Diagnostic:
    return _wrong(path, file, f"{label(path)}: {item['msg']}")


def label(path: Path) -> str:
    """A value's name in messages: its key, and its number in a list (from 1, as people count)."""
    if not path:
        return "a spec"
    named = [step for step in path if isinstance(step, str)]
    last = path[-1]
    return f"'{last}'" if isinstance(last, str) else f"item {last + 1} of '{named[-1]}'"


def _lines(text: str, source: Source) -> str:
    """Add the line of another place, which a validator, without knowledge of lines, gave as a path."""

    def line(match: re.Match[str]) -> str:
        steps = [int(step) if step.isdigit() else step for step in match[1].split("/")]
        return f"line {source.places.value(*steps).line}"

    return re.sub(r"\{line-of ([^}]+)\}", line, text)


_KINDS = (
    *("int_type", "float_type", "finite_number", "bool_type", "string_type"),
    *("model_type", "tuple_type", "list_type", "dict_type"),
)
_EXPLAIN: Mapping[str, Callable[[Path, str, Item, _File], Diagnostic]] = {
    "extra_forbidden": _unknown,
    "missing": _absent,
    "literal_error": _choice,
    "greater_than": _range,
    "greater_than_equal": _range,
    "less_than": _range,
    "less_than_equal": _range,
    "too_short": _length,
    "too_long": _length,
    **dict.fromkeys(_KINDS, _kind),
}
