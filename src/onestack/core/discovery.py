"""Finds declarations in the modules of a package: a new declaration is a new module, without a central table."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """The modules of a package in alphabetical order, without those whose name begins with an underscore."""
    for name in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        if not name.startswith("_"):
            yield importlib.import_module(f"{package.__name__}.{name}")


def declared(package: ModuleType, name: str, of: type[T]) -> Iterator[T]:
    """The attribute `name` of each module of a package that has it. Raises TypeError if its type is wrong."""
    for module in modules(package):
        found = getattr(module, name, None)
        if found is None:
            continue
        if not isinstance(found, of):
            raise TypeError(f"{module.__name__}.{name} is no {of.__name__}")
        yield found
