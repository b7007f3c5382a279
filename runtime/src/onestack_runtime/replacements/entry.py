"""What the registry knows of each replacement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from onestack_runtime import contract

NOT_ALONE = "not measured alone"


@dataclass(frozen=True)
class Replacement:
    """One thing that is done otherwise than upstream does it, and the attributes that are replaced for that."""

    name: str
    targets: tuple[str, ...]
    """What is replaced: `package.module:Class.attribute`. Each has a digest in `digests`."""
    runners: tuple[str, ...]
    """The projects whose processes it is installed in."""
    kind: contract.ReplacementKind
    """`required`: the process does not work properly without it. `performance`: it gives the same, with less work."""
    reason: str
    build: Callable[..., tuple[Any, ...]]
    """Given the originals, in the order of `targets` (None for one that upstream does not have): what takes their
    places. It changes nothing itself."""
    gain: str = ""
    """What was measured, where, or NOT_ALONE. Only of performance."""
    uses: tuple[str, ...] = ()
    """What of upstream's it calls or relies on; it must be there, and functions among it must be unchanged, too."""
    workers: tuple[str, ...] = ()
    """Those of a project's workers that call it; all if empty. A process without them does not import what it needs:
    a compute host has no client of a database."""
    alone: bool = False
    """It holds only where one process is all of its project, and is left out elsewhere."""
