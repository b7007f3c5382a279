"""Checks that every name refers to something, and that names are unique.

What a key refers to is declared with the key (`onestack.language.words`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic.fields import FieldInfo

from onestack.language.source import Path
from onestack.language.types import Problem, Section
from onestack.language.words import Named, Refers

Names = Mapping[str, Sequence[str]]


def problems(whole: Section, built_in: Names) -> Iterator[Problem]:
    """Dangling references and duplicate names, anywhere in `whole`."""
    return _section(whole, (), (built_in,))


def _section(here: Section, path: Path, around: tuple[Names, ...]) -> Iterator[Problem]:
    lists = {
        key: [item.name for item in value if isinstance(item, Named)]
        for key in type(here).model_fields
        if isinstance(value := getattr(here, key), tuple) and value and isinstance(value[0], Named)
    }
    for key, names in lists.items():
        yield from _duplicates(key, names, path)
    around = (lists, *around)
    for key, field in type(here).model_fields.items():
        value = getattr(here, key)
        if isinstance(value, Section):
            yield from _section(value, (*path, key), around)
        elif target := _target(type(here), key, field):
            yield from _refers(target, value, (*path, key), around)
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                if isinstance(item, Section):
                    yield from _section(item, (*path, key, index), around)


def _duplicates(key: str, names: Sequence[str], path: Path) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        if name in first:
            same = "/".join(str(step) for step in (*path, key, first[name], "name"))
            yield Problem(
                f"two {key.replace('_', ' ')} have the name '{name}'",
                f"another name; the first is in {{line-of {same}}}",
                path=(*path, key, index, "name"),
            )
        first.setdefault(name, index)


def _refers(target: str, value: Any, path: Path, around: tuple[Names, ...]) -> Iterator[Problem]:
    named = enumerate(value) if isinstance(value, tuple) else [(None, value)]
    known = [name for scope in around for name in scope.get(target, ())]
    for index, name in named:
        if name is None or name in known:
            continue
        near = get_close_matches(name, known, 1)
        listed = f"one of {', '.join(dict.fromkeys(known))}" if known else f"list it under '{target}' first"
        yield Problem(
            f"there is no '{name}' among the {target.replace('_', ' ')}",
            listed if len(known) <= 12 else f"one of the {len(known)} {target.replace('_', ' ')} in the file",
            f"did you mean '{near[0]}'?" if near else "",
            path=path if index is None else (*path, index),
        )


_TARGETS: dict[tuple[type, str], str | None] = {}


def _target(section: type, key: str, field: FieldInfo) -> str | None:
    """What a key refers to, from anywhere in its type annotation."""
    if (section, key) not in _TARGETS:
        found = [*field.metadata, *_metadata(field.annotation)]
        _TARGETS[section, key] = next((one.list for one in found if isinstance(one, Refers)), None)
    return _TARGETS[section, key]


def _metadata(annotation: Any) -> Iterator[Any]:
    yield from getattr(annotation, "__metadata__", ())
    for inner in get_args(annotation):
        if not isinstance(inner, type) or get_args(inner):
            yield from _metadata(inner)
