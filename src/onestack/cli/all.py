"""Imports all modules of commands; the import adds them to the group."""

from __future__ import annotations

from onestack.cli import (
    alerts,
    autoscaling,
    autoscaling_trial,
    balancing,
    completion,
    demo,
    deploy,
    export,
    healing,
    hosts,
    inspect,
    scaling_groups,
    sizing,
    usage,
    use,
    volumes,
    why,
)
from onestack.cli.main import main

__all__ = [
    "alerts",
    "autoscaling",
    "autoscaling_trial",
    "balancing",
    "completion",
    "demo",
    "deploy",
    "export",
    "healing",
    "hosts",
    "inspect",
    "main",
    "scaling_groups",
    "sizing",
    "usage",
    "use",
    "volumes",
    "why",
]
