"""Which file of a volume is on top: Cinder notes it beside the files (`volume-ID.info`)."""

from __future__ import annotations

import json
from pathlib import Path

from onestack_runtime import contract


def active(folder: Path, name: str) -> str:
    """The file on top of the chain that `name` is one of.

    What Nova was told when the volume was attached may be older than the note, and a guest that wrote to a file on
    which a snapshot stands would spoil both.
    """
    try:
        noted = json.loads((folder / (name.partition(".")[0] + contract.VOLUME_NOTE)).read_text())
        return str(noted[contract.VOLUME_ACTIVE])
    except (OSError, ValueError, KeyError):
        return name
