"""Where the console keeps its files, below the cloud's root; only root can read them, and `destroy` removes them."""

from __future__ import annotations

import re
from pathlib import Path

from onestack.core.paths import Paths

_IDENT = re.compile(r"[0-9a-f-]{8,40}")


def links_folder(paths: Paths) -> Path:
    """One-time links that were not used yet."""
    return paths.run / "console/links"


def state_file(paths: Paths) -> Path:
    """Says which console runs: pid and port."""
    return paths.run / "console/state.json"


def tasks_folder(paths: Paths) -> Path:
    """A folder for each task."""
    return paths.lib / "console/tasks"


def plans_folder(paths: Paths) -> Path:
    """The plans that can be applied, and the specs that were uploaded."""
    return paths.lib / "console/plans"


def plan_file(paths: Paths, ident: str) -> Path:
    """A plan's file. Raises ValueError for what is no id."""
    return plans_folder(paths) / f"{checked(ident)}.json"


def checked(ident: str) -> str:
    """An id that came from outside, if it is one: it becomes a part of a path. Raises ValueError."""
    if not _IDENT.fullmatch(ident):
        raise ValueError(f"'{ident}' is no id")
    return ident
