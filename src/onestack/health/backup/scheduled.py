"""Scheduled backups: the keeper starts each in a process of its own, so that it goes on watching meanwhile."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType

from onestack.core.errors import OneStackError
from onestack.core.events import Event
from onestack.core.paths import Paths
from onestack.health.backup.operations import Backups
from onestack.platform import backups
from onestack.platform.site import Site

LOG = logging.getLogger("onestack.backup")
PARENT_SECONDS = 2.0
"""How often the process looks whether the keeper is there."""
SETTLED_SECONDS = 60.0
"""How long the keeper waits after its own start: an `up` may still be at work."""


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
                "onestack.health.backup.scheduled",
                str(paths.root),
                str(paths.cache),
            ]
            with (paths.log / "backup.log").open("ab") as log:
                self._process = subprocess.Popen(
                    words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=lambda: os.nice(10)
                )


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end_with(parent: int) -> None:
    """End this process when its parent is gone: a cloud that is stopped makes no backup."""
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _log(event: Event) -> None:
    if event.state in ("finished", "failed", "noted"):
        LOG.info("%s", json.dumps(event.as_dict()))


def main(root: str, cache: str) -> None:
    """Make one backup as the spec says."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        made = Backups(Paths.at(root, cache)).create(emit=_log)
    except OneStackError as error:
        LOG.error("no backup: %s", json.dumps(error.as_dict()))
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        LOG.warning("no backup: the cloud is being stopped")
        sys.exit(130)
    LOG.info("backup %s is complete", made.short)


if __name__ == "__main__":
    main(*sys.argv[1:3])
