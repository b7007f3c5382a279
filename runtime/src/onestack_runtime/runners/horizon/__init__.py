"""Horizon, the dashboard, and its static files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

SITE = Path(__file__).with_name("site")
"""Contains the package `local`, where Horizon looks for its settings, and the program that generates the static
files. A change to this folder has them generated again."""


def configure() -> None:
    """Let Horizon find our settings. Call it before Django is used."""
    # Before openstack_dashboard's own folder, which has an empty `local`.
    sys.path.insert(0, str(SITE))
    os.environ["DJANGO_SETTINGS_MODULE"] = "openstack_dashboard.settings"
