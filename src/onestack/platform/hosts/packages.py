"""Which files of this process's Python environment the tool needs, of all that may be installed there.

The environment of a checkout holds what its tests need, too, which is four times as large.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

NAME = "onestack"


@cache
def distributions() -> Mapping[str, Distribution]:
    """The tool's own distribution and all that it requires, directly or not, by name."""
    found: dict[str, Distribution] = {}
    queue = [NAME]
    while queue:
        name = canonicalize_name(queue.pop())
        if name in found:
            continue
        found[name] = distribution(name)
        for text in found[name].requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                queue.append(requirement.name)
    return found


def versions() -> list[str]:
    """name==version of each, sorted."""
    return sorted(f"{name}=={each.version}" for name, each in distributions().items())


def files() -> list[Path]:
    """All their files and the interpreter's, relative to the environment; with compiled modules if those exist."""
    root = Path(sys.prefix)
    return sorted({each.relative_to(root) for each in _files(root) if each.is_relative_to(root)})


def _files(root: Path) -> Iterator[Path]:
    yield root / "pyvenv.cfg"
    yield from (each for each in (root / "bin").glob("python*"))
    if (root / "lib64").is_symlink():
        yield root / "lib64"
    for each in distributions().values():
        for listed in each.files or ():
            # Scripts lie at ../../../bin: without the dots they are compared with the environment's folder.
            file = Path(root, *_normal(Path(str(each.locate_file(listed))).relative_to(root).parts))
            if not file.is_file():
                continue
            yield file
            if file.suffix == ".py":
                compiled = Path(importlib.util.cache_from_source(str(file)))
                if compiled.exists():
                    yield compiled


def _normal(parts: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for part in parts:
        if part == "..":
            found.pop()
        else:
            found.append(part)
    return found
