"""On hosts with systemd: the cloud comes back at boot by a unit, and outlives the session that started it.

Elsewhere `up` is all it takes. The unit calls the same `up` and `down` as a person.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from onestack.core.paths import Paths
from onestack.host.command import run

UNITS = Path("/etc/systemd/system")


def runs() -> bool:
    """Whether systemd is this machine's first process."""
    return Path("/run/systemd/system").is_dir()


def name(paths: Paths) -> str:
    """The unit of a cloud."""
    return f"onestack{'-' + paths.ident if paths.ident else ''}.service"


def unit(paths: Paths, python: str) -> str:
    """The unit's text. `python`: the interpreter of the tool's own environment."""
    words = [python, "-m", "onestack.cli"]
    root = ["--root", str(paths.root)]
    start = shlex.join([*words, "up", *root, "--wait", "600"])
    stop = shlex.join([*words, "down", *root, "--wait", "600"])
    return f"""\
[Unit]
Description=OpenStack by OneStack under {paths.root}
After=network-online.target local-fs.target
Wants=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={start.replace("%", "%%")}
ExecStop={stop.replace("%", "%%")}
# `up` starts what runs in scopes of their own; only the command itself is this unit's.
KillMode=process
Environment=ONESTACK_CACHE={paths.cache}
# `up` has deadlines of its own, which a slow machine puts off.
TimeoutStartSec=infinity
TimeoutStopSec=600

[Install]
WantedBy=multi-user.target
"""


def install(paths: Paths, python: str) -> bool:
    """Have the unit there and enabled; False where systemd does not run or nothing was to be done."""
    file = UNITS / name(paths)
    text = unit(paths, python)
    if not runs() or (file.exists() and file.read_text() == text):
        return False
    file.write_text(text)
    run(["systemctl", "daemon-reload"])
    run(["systemctl", "enable", file.name])
    return True


def remove(paths: Paths) -> None:
    """Remove the unit, if it is there."""
    file = UNITS / name(paths)
    if not file.exists():
        return
    if runs():
        run(["systemctl", "disable", file.name], check=False)
    file.unlink()
    if runs():
        run(["systemctl", "daemon-reload"])


def detached(argv: Sequence[str]) -> list[str]:
    """A command line whose processes do not end with the session they are started from."""
    if not runs():
        return list(argv)
    return ["systemd-run", "--quiet", "--scope", "--slice=system.slice", "--", *argv]
