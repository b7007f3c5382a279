"""The paths of configuration, state and sockets inside the cloud's mount namespace."""

from __future__ import annotations

import os
from pathlib import Path

from onestack_runtime import contract

ETC = Path(os.environ.get(contract.ETC_VARIABLE, contract.ETC))
LIB = Path(contract.LIB)
RUN = Path(contract.RUN)
ENVIRONMENT = Path(contract.ENVIRONMENT)
"""OpenStack's packages, and the configuration files in them that are used unchanged (api-paste.ini)."""


def configuration(project: str) -> tuple[Path, ...]:
    """The files that a project reads."""
    return tuple(ETC / name for name in contract.CONFIGURATION[project])


def folder(place: Path, mode: int = 0o750) -> Path:
    """Create a folder, unless it exists, and return it."""
    place.mkdir(mode=mode, parents=True, exist_ok=True)
    return place
