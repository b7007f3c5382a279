"""Finds the kinds of resource: each module in the folder of `onestack.workloads.resources` declares one or more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from types import ModuleType

from onestack.core.discovery import modules
from onestack.workloads.kind.base import Kind

RESOURCES = "onestack.workloads.resources"

Kinds = Mapping[str, Kind]
"""Kinds by name, in the order in which they are observed."""


@cache
def kinds() -> Kinds:
    """The kinds that OneStack has."""
    return discover(RESOURCES)


def discover(*packages: str) -> Kinds:
    """The kinds that the modules of these packages declare. Raises TypeError if two have the same name."""
    found: dict[str, Kind] = {}
    for package in packages:
        for module in modules(import_module(package)):
            for kind in _declared(module):
                if kind.name in found:
                    raise TypeError(
                        f"{type(found[kind.name])} and {type(kind)} are both called '{kind.name}'"
                    )
                found[kind.name] = kind
    return {name: found[name] for name in _ordered(found)}


def in_order_of_removal(kinds: Kinds) -> list[Kind]:
    """The kinds whose resources must be deleted before their project, in order."""
    removable = {name: kind for name, kind in kinds.items() if kind.removable}
    graph = {
        name: [other for other in kind.removed_after if other in removable]
        for name, kind in removable.items()
    }
    return [removable[name] for name in TopologicalSorter(graph).static_order()]


def _declared(module: ModuleType) -> Iterator[Kind]:
    """The kinds that a module declares. A class without a name is a base class."""
    for value in vars(module).values():
        defined_here = isinstance(value, type) and value.__module__ == module.__name__
        if defined_here and issubclass(value, Kind) and hasattr(value, "name"):
            yield value()


def _ordered(found: Kinds) -> Iterator[str]:
    """Depth-first, which unlike a topological sort allows cycles: volumes and snapshots refer to each other."""
    done: set[str] = set()

    def visit(name: str) -> Iterator[str]:
        if name in done or name not in found:
            return
        done.add(name)
        for other in sorted(found[name].reads_after()):
            yield from visit(other)
        yield name

    for name in found:
        yield from visit(name)
