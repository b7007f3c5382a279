"""What the scripts share: the project's own Python, a cloud that stands or one for the while, errors as messages.

Imported first: run by another Python, a script starts again in the project's environment.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onestack import Cloud

_REPOSITORY = Path(__file__).resolve().parents[1]
_PYTHON = _REPOSITORY / ".venv/bin/python"


def refuse(what: str, hint: str) -> None:
    """Say what is needed, and end with status 2."""
    sys.stderr.write(f"error: {what}\n  next:  {hint}\n")
    raise SystemExit(2)


def _in_own_python() -> None:
    if importlib.util.find_spec("onestack") is not None:
        return
    if not _PYTHON.exists():
        refuse("this needs the project's own environment", "./onestack --help makes it")
    os.execv(_PYTHON, [str(_PYTHON), "-W", "ignore", *sys.argv])


_in_own_python()


@contextmanager
def cloud(root: str | None, own: str, *needs: str, standing: bool = True) -> Iterator[Cloud]:
    """A cloud to measure. With `root`: the one that stands there, and is left standing. Else the one at /, if that
    has the services `needs` and `standing` lets it; else one of the spec `own`, brought up and taken away.
    """
    from onestack import Cloud
    from onestack.spec import loads

    if os.geteuid() != 0:
        refuse("this works on a cloud's processes and network: it needs root", "run it with sudo, or as root")
    default = Cloud("/")
    fits = standing and default.exists and set(needs) <= set(default.site.view.cloud.services)
    if root is not None or fits:
        found = Cloud(root or "/")
        if found.status().health == "not running":  # BadInput where there is none
            refuse(
                f"the cloud under {found.paths.root} does not run", f"./onestack up --root {found.paths.root}"
            )
        if missing := set(needs) - set(found.site.view.cloud.services):
            refuse(
                f"the cloud under {found.paths.root} has no {', '.join(sorted(missing))}",
                "another --root, or none",
            )
        yield found
        return
    with tempfile.TemporaryDirectory(prefix="onestack-bench-", dir="/var/tmp") as folder:
        found = Cloud(folder)
        try:
            found.up(loads(own))
            yield found
        finally:
            found.destroy()


def demand_module(name: str) -> None:
    """Refuse where the environment lacks a package that only the tests bring."""
    if importlib.util.find_spec(name) is None:
        refuse(f"this needs the package {name}", "./onestack test --fast makes the environment with it")


def run(main: Callable[[], int | None]) -> None:
    """Call a script's `main`; what it needs and does not have is a message and status 2, no traceback."""
    from onestack.core.errors import OneStackError

    try:
        raise SystemExit(main() or 0)
    except OneStackError as error:
        detail = "".join(f"\n  | {line}" for line in error.detail.splitlines())
        sys.stderr.write(f"error: {error.summary}{detail}\n")
        if error.hint:
            sys.stderr.write(f"  next:  {error.hint}\n")
        raise SystemExit(error.exit_status) from None
