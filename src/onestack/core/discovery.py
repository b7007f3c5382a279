"""Declarations found in a package's folder: adding one is adding a module, and no table names it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def declared(package: ModuleType, name: str, of: type[T]) -> Iterator[T]:
    """What the package's modules call `name`, in the order of the modules' names.

    Modules without it, and those whose name begins with an underscore, declare nothing. Raises TypeError for a
    declaration of another type.
    """
    for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if info.name.rpartition(".")[2].startswith("_"):
            continue
        found = getattr(importlib.import_module(info.name), name, None)
        if found is None:
            continue
        if not isinstance(found, of):
            raise TypeError(f"{info.name}.{name} is no {of.__name__}")
        yield found
