"""Which file of a volume is on top: Cinder notes it beside the files (`volume-ID.info`)."""

from __future__ import annotations

import json
from pathlib import Path

from onestack_runtime import contract


def active(folder: Path, name: str) -> str:
    """The active (topmost) file of the chain that `name` belongs to.

    Nova's connection information from the attachment may be older than the note, and a guest that wrote to a
    snapshot's backing file would corrupt both.
    """
    try:
        noted = json.loads((folder / (name.partition(".")[0] + contract.VOLUME_NOTE)).read_text())
        return str(noted[contract.VOLUME_ACTIVE])
    except (OSError, ValueError, KeyError):
        return name
