"""Horizon: the web page that most tenants live in, and its static files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

SITE = Path(__file__).with_name("site")
"""Holds the package `local`, where Horizon looks for its settings. What the static files are made from lies
here too: after a change to it they are generated again."""


def configure() -> None:
    """Let Horizon find our settings; call it before Django is used."""
    # Before openstack_dashboard's own folder, which has an empty `local`.
    sys.path.insert(0, str(SITE))
    os.environ["DJANGO_SETTINGS_MODULE"] = "openstack_dashboard.settings"
