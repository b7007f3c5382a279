"""Horizon: the web page that most tenants live in, and its static files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

SITE = Path(__file__).with_name("site")
"""Holds the package `local`, where Horizon looks for its settings. What the static files are made from lies
here too: a change to it has them made anew."""


def configure() -> None:
    """Let Horizon find our settings; call it before Django is used."""
    # Before openstack_dashboard's own folder, which has an empty `local`.
    sys.path.insert(0, str(SITE))
    os.environ["DJANGO_SETTINGS_MODULE"] = "openstack_dashboard.settings"
    _wait_no_longer()


def _wait_no_longer() -> None:
    """Pages ask several APIs side by side, with a pool of threads for each such group; at its end they wait
    until each idle thread looks whether it is over, and that it does once a second: a page has up to three.

    futurist has no setting for it. The looks cost nothing else: a pool lives as long as its calls.
    """
    from futurist._thread import ThreadWorker

    ThreadWorker.MAX_IDLE_FOR = 0.01
