"""Runs a console script of an installed package by its entry point: the environment's bin/ is not on the path.

    python3 -m onestack_runtime.admin.manage nova-manage cell_v2 list_cells

OpenStack's management commands get this cloud's configuration files as arguments unless the caller names others.
"""

from __future__ import annotations

import os
import re
import sys
from importlib.metadata import entry_points

from onestack_runtime import contract
from onestack_runtime.paths import configuration

_ALL = re.compile(rf"({'|'.join(contract.CONFIGURATION)})-(manage|status|db-manage|ovn-db-sync-util)")
"""Names of management commands that read a project's configuration."""
_THREADED = ("nova-manage", "nova-status")
"""These would patch the interpreter for eventlet, which the environment's configuration forbids."""


def arguments(script: str, given: list[str]) -> list[str]:
    """The command line of `script`: the given arguments, after those for its configuration files."""
    of = _ALL.fullmatch(script)
    if of is None or any(each.startswith("--config-") for each in given):
        return [script, *given]
    return [script, *(f"--config-file={file}" for file in configuration(of[1])), *given]


def main() -> int | str | None:
    if len(sys.argv) < 2:
        return "usage: python3 -m onestack_runtime.admin.manage CONSOLE-SCRIPT [ARGUMENT...]"
    script, *given = sys.argv[1:]
    found = entry_points(group="console_scripts", name=script)
    if not found:
        return f"no installed package has a console script {script}"
    if script in _THREADED:
        os.environ.setdefault("OS_NOVA_DISABLE_EVENTLET_PATCHING", "1")
    sys.argv = arguments(script, given)
    function = next(iter(found)).load()
    result: int | str | None = function()
    return result


if __name__ == "__main__":
    sys.exit(main())
