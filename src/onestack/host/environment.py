"""OpenStack's Python environment, one for each release, installed from a lock with verified hashes.

It is a folder of packages for the base's Python. uv creates it from outside, so that it can be downloaded while the
base is being built, and the base needs neither pip nor a compiler.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from pathlib import Path

from uv import find_uv_bin

from onestack.core.errors import PermanentError
from onestack.core.events import Emit, step
from onestack.host.command import CommandFailed
from onestack.host.fetch_progress import Wheels
from onestack.host.followed import follow
from onestack.host.lock import held

PYTHON = "3.13"
"""The Python of the base (Debian 13)."""
DEADLINE = 600.0
"""Seconds without progress after which an installation has failed."""


def digest(place: Path) -> str:
    """A digest of a file, or of all files below a folder, eight hexadecimal digits."""
    files = [place] if place.is_file() else sorted(p for p in place.rglob("*") if _counts(p))
    total = hashlib.sha256()
    for file in files:
        total.update(str(file.relative_to(place.parent)).encode() + b"\0" + file.read_bytes() + b"\0")
    return total.hexdigest()[:8]


def _counts(file: Path) -> bool:
    return file.is_file() and "__pycache__" not in file.parts and ".egg-info" not in str(file)


def locked(requirements: Path, target: Path) -> list[str]:
    """The command that installs exactly a lock file's packages into a folder."""
    return [*_install(target), "--require-hashes", f"--requirement={requirements}"]


def project(source: Path, target: Path) -> list[str]:
    """The command that installs a project from its source folder, without its dependencies.

    It is built with the tool's own hatchling, so that nothing is downloaded.
    """
    return [*_install(target), "--no-build-isolation", str(source)]


def _install(target: Path) -> list[str]:
    return [
        find_uv_bin(),
        "pip",
        "install",
        f"--python-version={PYTHON}",
        f"--target={target}",
        "--no-deps",
    ]


def ensure(source: Path, store: Path, name: str, emit: Emit) -> Path:
    """The folder with the packages of `source` (a lock file or a project's folder); they are installed if it does
    not exist.

    Raises PermanentError with uv's last lines.
    """
    target = store / f"{name}-{digest(source)}"
    if target.exists():
        return target
    with (
        step(name, emit, f"Python packages from {source.name}") as at,
        held(store / f"{name}.lock", f"installing {name}", seconds=DEADLINE),
    ):
        if target.exists():
            return target
        for left in store.glob(f"{name}.partial*"):
            shutil.rmtree(left, ignore_errors=True)
        # By a name of its own: what a killed command had started may still write to the former one.
        partial = store / f"{name}.partial-{os.getpid()}"
        argv = locked(source, partial) if source.is_file() else project(source, partial)
        reader = Wheels(len(re.findall("^[^ #]+==", source.read_text(), re.M)) if source.is_file() else 1)
        try:
            follow(
                argv,
                log=store / f"{name}.log",
                seconds=DEADLINE,
                heard=lambda line: at.progress(reader.read(line)),
                environment={"UV_LINK_MODE": "copy", "UV_PYTHON": sys.executable},
            )
        except CommandFailed as failure:
            shutil.rmtree(partial, ignore_errors=True)
            raise PermanentError(
                f"the Python packages of {name} could not be installed",
                detail=failure.detail,
                where=str(source),
                hint="is the package index reachable (UV_INDEX_URL names another)? then run it again",
            ) from failure
        partial.rename(target)
        at.outcome = f"{sum(1 for _ in target.glob('*.dist-info'))} packages"
    return target
