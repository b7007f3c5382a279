"""The file to which the autoscaler writes its status after each cycle, so that it can be read while no service
answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = "autoscaler.json"
"""Its name in the cloud's run folder."""


def read(run: Path) -> dict[str, Any]:
    """The last status in the folder `run`; empty if the autoscaler never ran."""
    try:
        found: dict[str, Any] = json.loads((run / FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found
