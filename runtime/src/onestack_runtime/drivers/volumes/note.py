"""Reads which file of a volume's qcow2 chain is active, from Cinder's info file `volume-ID.info` in the same
folder."""

from __future__ import annotations

import json
from pathlib import Path

from onestack_runtime import contract


def active(folder: Path, name: str) -> str:
    """The active (topmost) file of the chain that `name` belongs to.

    Nova's connection information dates from the attachment and may name an older file. A guest that wrote to the
    backing file of a snapshot would corrupt both.
    """
    try:
        note = json.loads((folder / (name.partition(".")[0] + contract.VOLUME_NOTE)).read_text())
        return str(note[contract.VOLUME_ACTIVE])
    except (OSError, ValueError, KeyError):
        return name
