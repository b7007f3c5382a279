"""The infrastructure services, one module each."""

from __future__ import annotations

import sys

from onestack.core.discovery import declared
from onestack.platform.shape import InfrastructureService

INFRASTRUCTURE: list[InfrastructureService] = []


def discover() -> None:
    """Find those that this package's modules declare."""
    INFRASTRUCTURE[:] = declared(sys.modules[__name__], "SERVICE", InfrastructureService)


discover()
