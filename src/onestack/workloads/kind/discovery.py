"""Which kinds there are: one module each in `onestack.workloads.resources`, found by looking into that folder."""

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
"""By name, in the order in which they are observed."""


@cache
def kinds() -> Kinds:
    """OneStack's own."""
    return discover(RESOURCES)


def discover(*packages: str) -> Kinds:
    """The kinds that the modules of some packages declare. Raises TypeError where two have one name."""
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
    """The kinds whose resources must be deleted before a project, in order."""
    removable = {name: kind for name, kind in kinds.items() if kind.removable}
    graph = {
        name: [other for other in kind.removed_after if other in removable]
        for name, kind in removable.items()
    }
    return [removable[name] for name in TopologicalSorter(graph).static_order()]


def _declared(module: ModuleType) -> Iterator[Kind]:
    """The kinds of a module. A class without a name is a base of several."""
    for value in vars(module).values():
        here = isinstance(value, type) and value.__module__ == module.__name__
        if here and issubclass(value, Kind) and hasattr(value, "name"):
            yield value()


def _ordered(found: Kinds) -> Iterator[str]:
    """Depth first: kinds may refer to each other, as volumes and snapshots do."""
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
