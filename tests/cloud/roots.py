"""Where the tests' clouds live: folders of this run, which a later run takes away if this one is killed.

Every run has a folder with a lock that ends with its process; each cloud of it lies in a folder of its own
below. So what a killed run left can be told from what another run still uses, and from every other cloud.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onestack import Cloud
from onestack.platform import takedown

# A short path: unix sockets lie below it. It outlives a reboot, as what is below it does.
RUNS = Path("/var/tmp/onestack-tests")
DEFAULT = "default-root"
"""Marks that the cloud at the machine's default root is a run's."""


def take_away(root: Path) -> None:
    """Destroy a cloud, whatever state it is in, and check that nothing is left of it."""
    cloud = Cloud(root)
    cloud.destroy(wait=60)
    left = takedown.remains(cloud.paths)
    assert not left, f"left of the cloud under {root}: {left}"
    shutil.rmtree(root, ignore_errors=True)


def at_default_root() -> list[str]:
    """What is there of a cloud at the machine's default root, in words."""
    return takedown.remains(Cloud().paths)


@contextmanager
def default_root(run: Path) -> Iterator[None]:
    """The default root is this run's during the body; its cloud is destroyed in the end, or by the next run."""
    mark = run / DEFAULT
    mark.touch()
    try:
        yield
    finally:
        take_away_default()
        mark.unlink()


def take_away_default() -> None:
    """Destroy the cloud at the default root, and check that nothing is left of it."""
    Cloud().destroy(wait=60)
    left = at_default_root()
    assert not left, f"left of the cloud at the default root: {left}"


def clouds(run: Path) -> list[Path]:
    """The roots of a run."""
    return sorted(place for place in run.iterdir() if place.is_dir())


def take_away_old(runs: Path = RUNS) -> list[Path]:
    """Destroy the clouds of runs that ended without doing so themselves; returns their roots."""
    found = []
    for run in sorted(runs.iterdir()) if runs.exists() else []:
        with (run / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if (run / DEFAULT).exists():
                take_away_default()
                found.append(Path("/"))
            for root in clouds(run):
                take_away(root)
                found.append(root)
            shutil.rmtree(run)
    return found


@contextmanager
def of_this_run(runs: Path = RUNS) -> Iterator[Path]:
    """A folder for this run's clouds; those that are still there at its end are destroyed."""
    run = runs / str(os.getpid())
    run.mkdir(parents=True)
    with (run / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield run
        finally:
            for root in clouds(run):
                take_away(root)
            shutil.rmtree(run)
            if not any(runs.iterdir()):
                runs.rmdir()
