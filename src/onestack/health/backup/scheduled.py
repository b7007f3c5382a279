"""The process in which the keeper has a scheduled backup made."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from types import FrameType

from onestack.core.errors import OneStackError
from onestack.core.events import Event
from onestack.core.paths import Paths
from onestack.health.backup.operations import Backups

LOG = logging.getLogger("onestack.backup")
PARENT_SECONDS = 2.0
"""How often the process looks whether the keeper is there."""


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
