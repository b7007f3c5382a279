"""The definition of a replacement: one entry of the registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from onestack_runtime import contract


def of_server(cpu: str, time: str) -> str:
    """The gain of an entry by `bench/replacements.py`, in percent with one standard error: "2.0 ± 0.4"."""
    return f"without it a created server takes {cpu} % more CPU and {time} % more time (docs/performance.md)"


@dataclass(frozen=True)
class Replacement:
    """One change to what upstream does, and the attributes that are replaced for it."""

    name: str
    targets: tuple[str, ...]
    """The attributes that are replaced: `package.module:Class.attribute`. Each has a digest in `digests`."""
    runners: tuple[str, ...]
    """The projects whose processes it is installed in."""
    kind: contract.ReplacementKind
    """`required`: the process does not work properly without it. `performance`: the same results at less cost."""
    reason: str
    build: Callable[..., tuple[Any, ...]]
    """Takes the originals in the order of `targets` (None for one that upstream does not have) and returns their
    replacements in the same order. It must not change anything itself."""
    gain: str = ""
    """The measured gain, and where or at which commit it was measured. For performance entries only."""
    uses: tuple[str, ...] = ()
    """Further upstream attributes that the replacement calls or relies on. They must exist, and have the digests in
    `digests`, too."""
    workers: tuple[str, ...] = ()
    """The workers of a project that use it; all if empty. A process without them does not import what it needs: a
    compute host has no database client."""
    alone: bool = False
    """It works only if its project has one process, and is skipped otherwise."""
