"""Reads which of OpenStack's functions are replaced in the running processes: each records it when it starts.

The registry is the runtime's (`onestack_runtime.replacements`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from onestack.core import contract


@dataclass(frozen=True)
class Active:
    """A replacement that a process has. `targets`: the attributes that were replaced, by their dotted names."""

    process: str
    name: str
    kind: contract.ReplacementKind
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Skipped:
    """A replacement that a process skipped: because `tuning` is none, or upstream's code has another `digest`."""

    process: str
    name: str
    because: contract.SkippedBecause
    detail: str


@dataclass(frozen=True)
class Replacements:
    """The replacements of all processes."""

    active: tuple[Active, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def warnings(self) -> Iterator[str]:
        """Warnings for the operator about skipped replacements: the cloud works, but slower."""
        for each in self.skipped:
            if each.because == "digest":
                yield (
                    f"{each.process} runs without the replacement {each.name}, which is for speed alone: "
                    "OpenStack's code differs from what it was written for"
                )


def read(run: Path, processes: Sequence[str]) -> Replacements:
    """Read the records of these processes, as far as they have started."""
    active: list[Active] = []
    skipped: list[Skipped] = []
    for process in processes:
        try:
            noted: contract.ReplacementsNote = json.loads(
                (run / contract.REPLACEMENTS / f"{process}.json").read_text()
            )
        except (OSError, ValueError):
            continue
        active += (
            Active(process, each["name"], each["kind"], tuple(each["targets"])) for each in noted["active"]
        )
        skipped += (
            Skipped(process, each["name"], each["because"], each["detail"]) for each in noted["skipped"]
        )
    return Replacements(tuple(active), tuple(skipped))
