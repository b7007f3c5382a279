"""Scheduled backups: the keeper starts each in a process of its own, so that it goes on watching meanwhile.

It imports little: the keeper runs for as long as the cloud does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from onestack.platform import backups
from onestack.platform.site import Site

SETTLED_SECONDS = 20.0
"""How long the keeper waits after its own start: an `up` may still be at work."""
PROGRAM = "onestack.health.backup.scheduled"


class Schedule:
    """Starts a backup when one is due. `check` is called often, and returns at once."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._process: subprocess.Popen[bytes] | None = None
        self._begun = time.monotonic()
        if site.spec.platform.backup and site.leads and not backups.read(site.paths).since:
            backups.write(site.paths, since=time.time())

    def check(self) -> None:
        """Start a backup if one is due and none is being made."""
        if self._site.spec.platform.backup is None or not self._site.leads:
            return
        if self._process is not None and self._process.poll() is None:
            return
        self._process = None
        record = backups.read(self._site.paths)
        if time.monotonic() - self._begun < SETTLED_SECONDS:
            return
        if backups.is_due(self._site.spec.platform, record, time.time()):
            paths = self._site.paths
            words = [
                sys.executable,
                "-m",
                PROGRAM,
                str(paths.root),
                str(paths.cache),
            ]
            with (paths.log / "backup.log").open("ab") as log:
                self._process = subprocess.Popen(
                    words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=lambda: os.nice(10)
                )
