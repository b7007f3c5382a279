"""Every command, gathered: importing a module of commands adds them to the group."""

from __future__ import annotations

from onestack.cli import (
    balancing,
    completion,
    demo,
    deploy,
    look,
    scale,
    scaling,
    sizing,
    trial,
    use,
    volumes,
    why,
)
from onestack.cli.main import main

__all__ = [
    "balancing",
    "completion",
    "demo",
    "deploy",
    "look",
    "main",
    "scale",
    "scaling",
    "sizing",
    "trial",
    "use",
    "volumes",
    "why",
]
