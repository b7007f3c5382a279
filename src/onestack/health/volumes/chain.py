"""A volume of the file backend on disk: a chain of qcow2 files, and an info file that names the active one.

`volume-ID` is the base; each snapshot adds an overlay `volume-ID.SNAPSHOT` with the changes since. The info file,
`volume-ID.info`, names the overlay that is written to (`active`) and the one of each snapshot. After a crash between
the change of the chain and that of the info file, they differ. Then the chain, and the file that a guest has open,
are taken as right. Pure: files are given as name -> name of the backing file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from onestack.core import contract

ACTIVE = contract.VOLUME_ACTIVE


@dataclass(frozen=True)
class Repair:
    """What makes the volume consistent. `active`: the file that is written to. `info`: the right content of the info
    file, None if it is right already or not needed. `rebase`: a file -> its new backing file, since the one between
    them was merged. `unused`: files that are not in the chain. `lost`: why the volume cannot be repaired."""

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
    rebase = _rebase(files)
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
        # A snapshot that was taken and is not in the info file yet: its id is in its overlay's name.
        snapshot = file.removeprefix(f"{name}.")
        if file != name and backing[file] and file not in snapshots.values():
            snapshots[snapshot] = file
    right = {ACTIVE: active, **snapshots}
    not_needed = right == {ACTIVE: name} and not info
    return Repair(active, None if not_needed or right == dict(info) else right, rebase, unused)


def _rebase(files: Mapping[str, str | None]) -> dict[str, str] | str:
    """Files whose backing file is missing -> the file that replaces it; or why that is unknown."""
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
        # No info file yet: any other file was created for a snapshot that was not completed.
        return name
    bases = set(files.values())
    candidates = [file for file in files if file not in bases]
    return candidates[0] if len(candidates) == 1 else None


def _chain(active: str, files: Mapping[str, str | None]) -> list[str]:
    """The files from the active one down to the base."""
    chain: list[str] = []
    file: str | None = active
    while file and file in files and file not in chain:
        chain.append(file)
        file = files[file]
    return chain
