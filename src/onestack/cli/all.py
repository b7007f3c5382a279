"""Imports all modules of commands; the import adds them to the group."""

from __future__ import annotations

from onestack.cli import (
    alerts,
    audit,
    autoscaling,
    autoscaling_trial,
    backup,
    balancing,
    certificates,
    completion,
    console,
    demo,
    deploy,
    export,
    hosts,
    inspect,
    scaling_groups,
    secrets,
    sizing,
    usage,
    use,
    volumes,
    why,
)
from onestack.cli.main import main

__all__ = [
    "alerts",
    "audit",
    "autoscaling",
    "autoscaling_trial",
    "backup",
    "balancing",
    "certificates",
    "completion",
    "console",
    "demo",
    "deploy",
    "export",
    "hosts",
    "inspect",
    "main",
    "scaling_groups",
    "secrets",
    "sizing",
    "usage",
    "use",
    "volumes",
    "why",
]
