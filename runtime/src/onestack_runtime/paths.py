"""Where configuration, state and sockets lie inside the cloud's mount namespace."""

from __future__ import annotations

import os
from pathlib import Path

ETC = Path(os.environ.get("ONESTACK_ETC", "/etc/onestack"))
LIB = Path("/var/lib")
RUN = Path("/run")
API = RUN / "api"
ENVIRONMENT = Path("/usr/lib/onestack")
"""OpenStack's packages; files that they ship (api-paste.ini) are used where they lie."""


def folder(place: Path, mode: int = 0o750) -> Path:
    """Make a folder of this service's own unless it is there."""
    place.mkdir(mode=mode, parents=True, exist_ok=True)
    return place
