"""What the autoscaler says after each cycle, in a file: it can be read while no service answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = "autoscaler.json"
"""In the cloud's folder for what runs."""


def read(run: Path) -> dict[str, Any]:
    """What it last wrote into the folder `run`; nothing where it never ran."""
    try:
        found: dict[str, Any] = json.loads((run / FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found
