"""Parses YAML to plain data, with the line and column of each key and value.

It reads the composer's node tree and not finished objects, since only the tree has the positions, and since
duplicate keys, tags and recursive aliases must be reported with theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from onestack.core.errors import Place
from onestack.language.diagnostics import Diagnostic

Path = tuple[str | int, ...]

# Larger than any spec; a file with exponential aliases reaches these limits before it exhausts the memory.
MAX_DEPTH = 40
MAX_VALUES = 200_000

_SCALARS = {"str", "int", "float", "bool", "null", "timestamp"}
_COLLECTIONS = {"map", "seq"}


class WrittenInt(int):
    """An integer with its original text, for keys whose value is text: `name: 007`."""

    written: str


class WrittenFloat(float):
    """A float with its original text: `release: 2026.10` is not 2026.1."""

    written: str


@dataclass
class Places:
    """The positions of all keys and values of a file."""

    file: str
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)

    def value(self, *path: str | int) -> Place:
        """The position of a value; if it is not in the file, of the nearest enclosing one."""
        return self._nearest(self.values, path)

    def key(self, *path: str | int) -> Place:
        """The position of a key (of an item in a list), or of the nearest enclosing value."""
        return self.keys.get(path) or self._nearest(self.values, path)

    def _nearest(self, known: Mapping[Path, Place], path: Path) -> Place:
        for length in range(len(path), -1, -1):
            if place := known.get(path[:length]):
                return place
        return Place(self.file)


@dataclass(eq=False)
class Source:
    """A parsed file: its data (None if unreadable), its positions, and its syntax errors."""

    data: Any
    places: Places
    diagnostics: list[Diagnostic]

    def __eq__(self, other: object) -> bool:
        """Positions are ignored: specs are equal if their values are."""
        return isinstance(other, Source)


def read(text: str, name: str) -> Source:
    """Parse `text`; `name` is the file's name in messages. It never raises: errors in the text are in the result."""
    places = Places(name)
    reader = _Reader(places)
    yaml = YAML(typ="safe", pure=True)
    try:
        root = yaml.compose(text)
        if root is None:
            reader.wrong("the file is empty", Place(name, 1, 1), "a spec is a mapping", "try `version: 1`")
            return Source(None, places, reader.diagnostics)
        return Source(reader.value(root, (), 0), places, reader.diagnostics)
    except _TooMuch as error:
        reader.wrong(str(error), error.place)
    except MarkedYAMLError as error:
        reader.diagnostics.append(_syntax(error, text, name))
    except (YAMLError, RecursionError, ValueError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        reader.wrong(f"not readable as YAML: {lines[0]}", Place(name, *_first_odd_character(text)))
    return Source(None, places, reader.diagnostics)


class _TooMuch(Exception):
    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.place = place


class _Reader:
    def __init__(self, places: Places) -> None:
        self.places = places
        self.diagnostics: list[Diagnostic] = []
        self._scalars = SafeConstructor(loader=YAML(typ="safe", pure=True))
        self._values = 0

    def wrong(self, summary: str, place: Place, detail: str = "", hint: str = "") -> None:
        self.diagnostics.append(Diagnostic("error", summary, detail, place, hint))

    def value(self, node: Node, path: Path, depth: int) -> Any:
        """The data of a node; records the positions of it and all its parts."""
        place = self._place(node)
        self._values += 1
        if depth > MAX_DEPTH:
            raise _TooMuch(f"more than {MAX_DEPTH} levels, or an alias that holds itself", place)
        if self._values > MAX_VALUES:
            raise _TooMuch(f"more than {MAX_VALUES} values (aliases count each time)", place)
        self.places.values[path] = place
        if not isinstance(node, ScalarNode) and _tag(node) not in _COLLECTIONS:
            return self._odd_tag(node, place)
        if isinstance(node, MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, index), depth + 1) for index, item in enumerate(node.value)]
        return self._scalar(node, place)

    def _mapping(self, node: MappingNode, path: Path, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        first: dict[str, Place] = {}
        for key_node, value_node in self._pairs(node, depth):
            place = self._place(key_node)
            key = self._key(key_node, place)
            if key is None:
                continue
            if key in first:
                self.wrong(f"the key '{key}' occurs twice", place, f"first in line {first[key].line}")
                continue
            first[key] = place
            self.places.keys[(*path, key)] = place
            data[key] = self.value(value_node, (*path, key), depth + 1)
            if data[key] is None and not value_node.value:
                # An empty value has no position: what follows it may be lines below.
                self.places.values[(*path, key)] = place
        return data

    def _pairs(self, node: MappingNode, depth: int) -> Iterator[tuple[Node, Node]]:
        """The keys and values of a mapping, and those that `<<` merges in for keys that it does not have."""
        merged = [value for key, value in node.value if _tag(key) == "merge"]
        own = [(key, value) for key, value in node.value if _tag(key) != "merge"]
        yield from own
        seen = {key.value for key, _ in own if isinstance(key, ScalarNode)}
        for value in merged:
            for source in value.value if isinstance(value, SequenceNode) else [value]:
                if not isinstance(source, MappingNode) or depth > MAX_DEPTH:
                    self.wrong("'<<' merges mappings only", self._place(value))
                    continue
                for key, item in self._pairs(source, depth + 1):
                    if isinstance(key, ScalarNode) and key.value not in seen:
                        seen.add(key.value)
                        yield key, item

    def _key(self, node: Node, place: Place) -> str | None:
        if not isinstance(node, ScalarNode) or _tag(node) == "null":
            self.wrong("a key must be text", place)
            return None
        return self._text(str(node.value), place)

    def _scalar(self, node: Node, place: Place) -> Any:
        kind = _tag(node)
        if kind not in _SCALARS:
            return self._odd_tag(node, place)
        written = self._text(str(node.value), place)
        if kind in ("str", "timestamp"):
            return written
        data = self._scalars.construct_object(node)
        if kind == "int":
            data = WrittenInt(data)
            data.written = written
        elif kind == "float":
            data = WrittenFloat(data)
            data.written = written
        return data

    def _text(self, written: str, place: Place) -> str:
        """Text in which surrogate pairs are joined: JSON escapes characters beyond 16 bits as two."""
        try:
            return written.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.wrong("half a character (an unpaired surrogate, \\uD800 to \\uDFFF)", place)
            return written.encode("utf-8", "replace").decode()

    def _odd_tag(self, node: Node, place: Place) -> None:
        self.wrong(f"the tag '{_tag(node)}' is not supported here", place, "plain YAML without tags")

    def _place(self, node: Node) -> Place:
        return Place(self.places.file, node.start_mark.line + 1, node.start_mark.column + 1)


def _tag(node: Node) -> str:
    return str(node.tag).removeprefix("tag:yaml.org,2002:")


def _syntax(error: MarkedYAMLError, text: str, name: str) -> Diagnostic:
    mark = error.problem_mark or error.context_mark
    place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name)
    lines = text.splitlines()
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in str(error.problem):
        column = line.find("\t") + 1 or place.column
        return Diagnostic(
            "error",
            "a tab",
            "YAML is indented with spaces",
            Place(name, place.line, column),
            "use two spaces",
        )
    context = f" ({error.context})" if error.context else ""
    # An IPv6 address in braces: {address: ::1}
    hint = "put a value that begins with ':' in quotes" if "found ':'" in str(error.problem) else ""
    return Diagnostic("error", f"not YAML: {error.problem or error}{context}", "", place, hint)


def _first_odd_character(text: str) -> tuple[int, int]:
    """The line and column of the first character that YAML does not allow, or else of the beginning."""
    for number, line in enumerate(text.split("\n"), 1):
        for column, character in enumerate(line, 1):
            if not (character.isprintable() or character in "\t\r\ufeff\x85\xa0"):
                return number, column
    return 1, 1
