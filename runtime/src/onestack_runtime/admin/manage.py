"""Runs a console script of an installed package by its entry point: the environment has no bin/ on the path.

    python3 -m onestack_runtime.admin.manage nova-manage cell_v2 list_cells

OpenStack's own management commands are told where this cloud's configuration lies unless they are told.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points

from onestack_runtime.paths import ETC

_CONFIGURATION = {
    "cinder-manage": ("cinder/cinder.conf",),
    "cinder-status": ("cinder/cinder.conf",),
    "glance-manage": ("glance/glance-api.conf",),
    "keystone-manage": ("keystone/keystone.conf",),
    "keystone-status": ("keystone/keystone.conf",),
    "neutron-db-manage": ("neutron/neutron.conf", "neutron/ml2_conf.ini"),
    "neutron-ovn-db-sync-util": ("neutron/neutron.conf", "neutron/ml2_conf.ini"),
    "neutron-status": ("neutron/neutron.conf", "neutron/ml2_conf.ini"),
    "nova-manage": ("nova/nova.conf",),
    "nova-status": ("nova/nova.conf",),
    "octavia-db-manage": ("octavia/octavia.conf",),
    "octavia-status": ("octavia/octavia.conf",),
    "placement-manage": ("placement/placement.conf",),
    "placement-status": ("placement/placement.conf",),
}
_THREADED = ("nova-manage", "nova-status")
"""These would patch the interpreter for eventlet, which the environment's configuration forbids."""


def arguments(script: str, given: list[str]) -> list[str]:
    """The command line of `script`: what was given, after where its configuration lies."""
    files = () if any(each.startswith("--config-") for each in given) else _CONFIGURATION.get(script, ())
    return [script, *(f"--config-file={ETC / name}" for name in files), *given]


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
