"""A volume of the file backend on the disk: a chain of qcow2 files, and an info file that names the active one.

`volume-ID` is the base; each snapshot adds an overlay `volume-ID.SNAPSHOT`, which holds what changed since. The info
file, `volume-ID.info`, names the overlay that is written to (`active`) and the one of each snapshot. A crash between
changing the chain and writing the info file makes them differ; the chain, and the file that a guest has open, count.
Pure: files are given as name -> name of the backing file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from onestack.core import contract

ACTIVE = contract.VOLUME_ACTIVE


@dataclass(frozen=True)
class Repair:
    """What makes the volume consistent. `active`: the file that is written to. `info`: what the info file must say,
    None when it is right or not needed. `rebase`: a file -> its new backing file, because the one between was
    merged. `unused`: files that hold nothing that is not elsewhere. `lost`: why it cannot be repaired."""

    active: str | None
    info: dict[str, str] | None = None
    rebase: dict[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    lost: str = ""

    @property
    def needed(self) -> bool:
        return bool(self.info is not None or self.rebase or self.unused or self.lost)


def examine(
    name: str, files: Mapping[str, str | None], info: Mapping[str, str], in_use: str | None = None
) -> Repair:
    """Compare one volume's files with its info file. `in_use`: the file that a guest writes to."""
    if not files:
        return Repair(None, lost="its files are gone")
    rebase = _bridges(files)
    if isinstance(rebase, str):
        return Repair(None, lost=rebase)
    backing = {**files, **rebase}
    active = in_use if in_use in files else _active(name, backing, info)
    if active is None:
        return Repair(None, lost="several files could be the active one: " + ", ".join(sorted(files)))
    chain = _chain(active, backing)
    unused = tuple(sorted(set(files) - set(chain)))
    # An overlay without a backing file has been merged with it: its snapshot is gone.
    snapshots = {
        snapshot: file
        for snapshot, file in info.items()
        if snapshot != ACTIVE and file in chain and backing[file]
    }
    for file in chain:
        # A snapshot that was taken, and is not in the info file yet: its overlay carries its id.
        snapshot = file.removeprefix(f"{name}.")
        if file != name and backing[file] and file not in snapshots.values():
            snapshots[snapshot] = file
    right = {ACTIVE: active, **snapshots}
    plain = right == {ACTIVE: name} and not info
    return Repair(active, None if plain or right == dict(info) else right, rebase, unused)


def _bridges(files: Mapping[str, str | None]) -> dict[str, str] | str:
    """Files whose backing file is gone -> the one that took its place; or why that cannot be said."""
    broken = [file for file, base in files.items() if base and base not in files]
    if not broken:
        return {}
    bases = set(files.values())
    free = [file for file in files if file not in bases and file not in broken]
    if len(broken) == 1 and len(free) == 1:
        return {broken[0]: free[0]}
    missing = ", ".join(sorted({str(files[file]) for file in broken}))
    return f"{missing} is gone, and is the backing file of others"


def _active(name: str, files: Mapping[str, str | None], info: Mapping[str, str]) -> str | None:
    """The active file: the one in the info file if it exists, else the only one that is no other's backing file."""
    named = info.get(ACTIVE)
    if named in files:
        return named
    if not info and name in files:
        # No info file yet: other files were made for a snapshot that no guest has come to use.
        return name
    bases = set(files.values())
    candidates = [file for file in files if file not in bases]
    return candidates[0] if len(candidates) == 1 else None


def _chain(active: str, files: Mapping[str, str | None]) -> list[str]:
    found: list[str] = []
    here: str | None = active
    while here and here in files and here not in found:
        found.append(here)
        here = files[here]
    return found
