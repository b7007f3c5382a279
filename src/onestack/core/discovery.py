"""Declarations found in a package's folder: adding one is adding a module, and no table names it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """The modules of a package in the order of their names, but for those whose name begins with an underscore."""
    for name in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        if not name.startswith("_"):
            yield importlib.import_module(f"{package.__name__}.{name}")


def declared(package: ModuleType, name: str, of: type[T]) -> Iterator[T]:
    """What the package's modules call `name`; a module without it declares nothing.

    Raises TypeError for a declaration of another type.
    """
    for module in modules(package):
        found = getattr(module, name, None)
        if found is None:
            continue
        if not isinstance(found, of):
            raise TypeError(f"{module.__name__}.{name} is no {of.__name__}")
        yield found
