"""The dashboard's static files: generated once for each release and kept in the cache, like the environment.

Horizon's styles and scripts come from thirty packages, and must be collected, compiled and minified before a page
can be shown. That needs OpenStack's environment and the base's Python, but neither a cloud nor a network.
"""

from __future__ import annotations

import os
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
"""The time limit, in seconds; usually it takes 14."""


def name(environment: Path, runtime: Path) -> str:
    """The folder's name, which changes with the packages and with the settings."""
    return f"dashboard-{environment.name.rpartition('-')[2]}-{digest(runtime / contract.DASHBOARD_SITE)}"


def command(base: Path, environment: Path, runtime: Path, out: Path) -> list[str]:
    """The command line that generates the files in `out`."""
    program = ["python3", "-P", f"{contract.RUNTIME}/{contract.DASHBOARD_SITE}/static.py"]
    return inside(base, out, program, {contract.ENVIRONMENT: environment, contract.RUNTIME: runtime})


def variables() -> dict[str, str]:
    """The command's environment variables."""
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/tmp",
        "LC_ALL": "C.UTF-8",
        # Our settings take precedence over the empty ones in Horizon's package.
        "PYTHONPATH": f"{contract.RUNTIME}/{contract.DASHBOARD_SITE}:{contract.RUNTIME}:{contract.ENVIRONMENT}",
        "PYTHONWARNINGS": "ignore",
        contract.STATIC_ROOT: SHARED,
    }


def ensure(base: Path, environment: Path, runtime: Path, store: Path, emit: Emit) -> Path:
    """The folder with the static files; they are generated if `store` does not have them.

    Raises PermanentError with the last lines of output.
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
        for left in store.glob("dashboard.partial*"):
            shutil.rmtree(left, ignore_errors=True)
        # By a name of its own: what a killed command had started may still write to the former one.
        partial = store / f"dashboard.partial-{os.getpid()}"
        partial.mkdir(mode=0o755)
        argv = command(base, environment, runtime, partial)
        try:
            run(argv, seconds=DEADLINE, environment=variables(), inherit=False, patient=True)
        except CommandFailed as failure:
            shutil.rmtree(partial, ignore_errors=True)
            raise PermanentError(
                "the dashboard's static files could not be generated",
                detail=failure.detail,
                where=str(store),
                hint="`exclude: [dashboard]` in the spec's `platform` leaves it out",
            ) from failure
        partial.rename(target)
        at.outcome = f"{sum(1 for each in target.rglob('*') if each.is_file())} files"
    return target
