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
    hosts,
    inspect,
    recover,
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
    "hosts",
    "inspect",
    "main",
    "recover",
    "scaling_groups",
    "sizing",
    "usage",
    "use",
    "volumes",
    "why",
]
