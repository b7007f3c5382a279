"""Where this test keeps its files: images are reused by the next run, the rest is of one run."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
STORE = Path("/var/tmp/onestack-long-test")
"""Beside the folder of the other tests, whose next run takes away everything in it."""
LOGS = STORE / "logs"
RUN = STORE / "run"
"""Disks of the run, the console's output, the agent's socket; removed at its end. A socket's path must be short."""


@contextmanager
def of_this_run() -> Iterator[Path]:
    """The folder of this run. Only one machine at a time: BlockingIOError where another run holds the store."""
    STORE.mkdir(parents=True, exist_ok=True)
    LOGS.mkdir(exist_ok=True)
    with (STORE / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(RUN, ignore_errors=True)
        RUN.mkdir(mode=0o700)
        try:
            yield RUN
        finally:
            shutil.rmtree(RUN, ignore_errors=True)


def new_log() -> Path:
    """The file that keeps what this run says."""
    return LOGS / f"{time.strftime('%Y%m%d-%H%M%S')}.log"
