"""What the controller of scaling groups says after each look at them, where whoever asks no service finds it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = "scaling.json"
"""In the cloud's folder for what runs."""


def read(run: Path) -> dict[str, Any]:
    """What it last wrote into the folder `run`; nothing where it never ran."""
    try:
        found: dict[str, Any] = json.loads((run / FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found
