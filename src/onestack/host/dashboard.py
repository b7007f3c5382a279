"""The dashboard's static files: made once for each release and kept in the cache, like the environment.

Horizon's styles and scripts come from thirty packages, and are to be collected, joined and minified before a
page can be shown. That needs OpenStack's environment and the base's Python, but neither a cloud nor a network.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from onestack.core import contract
from onestack.core.errors import PermanentError
from onestack.core.events import Emit, step
from onestack.host.command import CommandFailed, run
from onestack.host.environment import digest
from onestack.host.guest.inside import SHARED, inside
from onestack.host.lock import held

DEADLINE = 300.0
"""Seconds it may take; 14 are usual."""


def name(environment: Path, runtime: Path) -> str:
    """What the folder is called: it changes with the packages, and with the settings that say how it is made."""
    return f"dashboard-{environment.name.rpartition('-')[2]}-{digest(runtime / contract.DASHBOARD_SITE)}"


def command(base: Path, environment: Path, runtime: Path, out: Path) -> list[str]:
    """The command line that fills `out`."""
    program = ["python3", "-P", f"{contract.RUNTIME}/{contract.DASHBOARD_SITE}/static.py"]
    return inside(base, out, program, {contract.ENVIRONMENT: environment, contract.RUNTIME: runtime})


def variables() -> dict[str, str]:
    """The environment it runs in."""
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/tmp",
        "LC_ALL": "C.UTF-8",
        # Our settings before the empty ones that come with Horizon.
        "PYTHONPATH": f"{contract.RUNTIME}/{contract.DASHBOARD_SITE}:{contract.RUNTIME}:{contract.ENVIRONMENT}",
        "PYTHONWARNINGS": "ignore",
        contract.STATIC_ROOT: SHARED,
    }


def ensure(base: Path, environment: Path, runtime: Path, store: Path, emit: Emit) -> Path:
    """The folder with the static files, made if it is not in `store` yet.

    Raises PermanentError with the last lines of output when it fails.
    """
    target = store / name(environment, runtime)
    if target.exists():
        return target
    with (
        step("dashboard files", emit) as at,
        held(store / "dashboard.lock", "making the dashboard's files", seconds=DEADLINE),
    ):
        if target.exists():
            return target
        partial = store / "dashboard.partial"
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir(mode=0o755)
        argv = command(base, environment, runtime, partial)
        try:
            run(argv, seconds=DEADLINE, environment=variables(), inherit=False, patient=True)
        except CommandFailed as failure:
            shutil.rmtree(partial, ignore_errors=True)
            raise PermanentError(
                "the dashboard's static files could not be made",
                detail=failure.detail,
                where=str(store),
                hint="`exclude: [dashboard]` in the spec's `platform` does without it",
            ) from failure
        partial.rename(target)
        at.outcome = f"{sum(1 for each in target.rglob('*') if each.is_file())} files"
    return target
