"""Values of a resource's fields: plain data, references to other resources, secrets, files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Value = Any
"""Plain data (string, number, boolean, None, list, mapping) that may contain Ref, Secret and FromFile."""


@dataclass(frozen=True, order=True)
class Address:
    """The address of a resource in a cloud: its kind, and the names that lead to it, outermost first."""

    kind: str
    path: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind} {'/'.join(self.path)}"


@dataclass(frozen=True)
class Ref:
    """A reference to another resource's id or attribute, whose value may not be known yet."""

    address: Address
    attribute: str = "id"

    def __str__(self) -> str:
        path = "/".join(self.address.path)
        return path if self.attribute == "id" else f"{self.attribute} of {path}"


@dataclass(frozen=True)
class Secret:
    """A value that is read, or generated, only when it is sent. `where`: env:…, file:… or generated."""

    where: str
    label: str

    def __str__(self) -> str:
        return "(secret)"


@dataclass(frozen=True)
class FromFile:
    """The text of a file."""

    path: str


@dataclass(frozen=True)
class Unknown:
    """A value that the account may not read; it counts as equal to any other."""

    def __str__(self) -> str:
        return "(not readable)"


UNKNOWN = Unknown()


def convert(value: Value, change: Callable[[Value], Value]) -> Value:
    """`value` with `change` applied to each item that is neither a list nor a mapping."""
    if isinstance(value, dict):
        return {key: convert(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [convert(item, change) for item in value]
    return change(value)


def refs(value: Value) -> Iterator[Address]:
    """The addresses of all resources that a value refers to."""
    if isinstance(value, Ref):
        yield value.address
    elif isinstance(value, dict):
        for item in value.values():
            yield from refs(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from refs(item)
