"""A volume of the file backend on the disk: files that stand on each other, and a note of which is on top.

`volume-ID` is the first; each snapshot adds `volume-ID.SNAPSHOT`, which holds what changed since. The note,
`volume-ID.info`, says which file is on top (`active`) and which one came with each snapshot. A crash between
changing files and writing the note leaves the two apart; the files, and what a guest has open, are the truth.
Pure: files are given as name -> name of the file beneath.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from onestack.core import contract

ACTIVE = contract.VOLUME_ACTIVE


@dataclass(frozen=True)
class Repair:
    """What makes the volume whole. `note`: the right text of the note, None when it is right or needless.
    `rebase`: a file -> the one it must stand on, because the one between was merged. `useless`: files that hold
    nothing that is not elsewhere. `lost`: why it cannot be made whole."""

    top: str | None
    note: dict[str, str] | None = None
    rebase: dict[str, str] = field(default_factory=dict)
    useless: tuple[str, ...] = ()
    lost: str = ""

    @property
    def needed(self) -> bool:
        return bool(self.note is not None or self.rebase or self.useless or self.lost)


def examine(
    name: str, files: Mapping[str, str | None], note: Mapping[str, str], in_use: str | None = None
) -> Repair:
    """Compare one volume's files with its note. `in_use`: the file that a guest writes to."""
    if not files:
        return Repair(None, lost="its files are gone")
    rebase = _bridges(files)
    if isinstance(rebase, str):
        return Repair(None, lost=rebase)
    beneath = {**files, **rebase}
    top = in_use if in_use in files else _top(name, beneath, note)
    if top is None:
        return Repair(None, lost="several files could be the last one: " + ", ".join(sorted(files)))
    chain = _chain(top, beneath)
    useless = tuple(sorted(set(files) - set(chain)))
    # One that stands on nothing took in what was beneath: its snapshot is no more.
    snapshots = {
        snapshot: file
        for snapshot, file in note.items()
        if snapshot != ACTIVE and file in chain and beneath[file]
    }
    for file in chain:
        # A snapshot that was taken but not noted any more: its file carries its id.
        snapshot = file.removeprefix(f"{name}.")
        if file != name and beneath[file] and file not in snapshots.values():
            snapshots[snapshot] = file
    right = {ACTIVE: top, **snapshots}
    plain = right == {ACTIVE: name} and not note
    return Repair(top, None if plain or right == dict(note) else right, rebase, useless)


def _bridges(files: Mapping[str, str | None]) -> dict[str, str] | str:
    """Files whose base is gone -> the file that now stands there; or why that cannot be said."""
    broken = [file for file, base in files.items() if base and base not in files]
    if not broken:
        return {}
    bases = set(files.values())
    free = [file for file in files if file not in bases and file not in broken]
    if len(broken) == 1 and len(free) == 1:
        return {broken[0]: free[0]}
    missing = ", ".join(sorted({str(files[file]) for file in broken}))
    return f"{missing} is gone, and other files stand on it"


def _top(name: str, files: Mapping[str, str | None], note: Mapping[str, str]) -> str | None:
    """The file on top: the noted one if it is there, else the only one that no other stands on."""
    noted = note.get(ACTIVE)
    if noted in files:
        return noted
    if not note and name in files:
        # Never noted: what else is there was made for a snapshot that no guest has come to use.
        return name
    bases = set(files.values())
    tops = [file for file in files if file not in bases]
    return tops[0] if len(tops) == 1 else None


def _chain(top: str, files: Mapping[str, str | None]) -> list[str]:
    found: list[str] = []
    here: str | None = top
    while here and here in files and here not in found:
        found.append(here)
        here = files[here]
    return found
