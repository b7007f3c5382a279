"""On hosts with systemd, a unit starts the cloud at boot, and the cloud survives the login session that started it.

The unit runs the same `up` and `down` as an operator, for this host's part: where the cloud has several hosts, a
reboot of one leaves the others alone, and hosts that cannot be reached do not keep this one from coming back. Without
systemd there is only `up`.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from onestack.core.paths import Paths
from onestack.host.command import run
from onestack.host.progress import Progress

UNITS = Path("/etc/systemd/system")


def runs() -> bool:
    """Whether systemd is this machine's init."""
    return Path("/run/systemd/system").is_dir()


def name(paths: Paths) -> str:
    """The name of a cloud's unit."""
    return f"onestack{'-' + paths.ident if paths.ident else ''}.service"


def unit(paths: Paths, python: str) -> str:
    """The unit's text. `python`: the interpreter of the tool's own environment."""
    words = [python, "-m", "onestack.cli"]
    root = ["--root", str(paths.root)]
    start = shlex.join([*words, "up", *root, "--leave-unreachable", "--wait", "600"])
    stop = shlex.join([*words, "down", *root, "--this-host", "--wait", "600"])
    done, namespace_file = shlex.quote(str(_done(paths))), shlex.quote(str(paths.run / "ns/mnt"))
    return f"""\
[Unit]
Description=OpenStack by OneStack under {str(paths.root).replace("%", "%%")}
After=network-online.target local-fs.target
Wants=network-online.target
RequiresMountsFor="{_escaped(str(paths.root))}" "{_escaped(str(paths.cache))}"

[Service]
Type=oneshot
RemainAfterExit=yes
# An `up` that was called by hand starts the unit at its end: then nothing is left to do.
ExecStart=/bin/sh -c "{_escaped(f"rm {done} 2>/dev/null || exec {start}")}"
ExecStop=/bin/sh -c "{_escaped(f"[ ! -e {namespace_file} ] || exec {stop}")}"
# `up` starts processes in scopes of their own; only the command itself belongs to this unit.
KillMode=process
Environment="ONESTACK_CACHE={_escaped(str(paths.cache))}"
# `up` has deadlines of its own, which are extended on a slow machine.
TimeoutStartSec=infinity
TimeoutStopSec=600

[Install]
WantedBy=multi-user.target
"""


def _done(paths: Paths) -> Path:
    """The file by which an `up` that was called by hand tells the unit that there is nothing left to do."""
    return paths.run / "up-is-done"


def _escaped(text: str) -> str:
    """Text, escaped for double quotes in a unit."""
    for character, instead in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        text = text.replace(character, instead)
    return text


def install(paths: Paths, python: str) -> bool:
    """Write and enable the unit; False if systemd does not run, or if it was done already."""
    file = UNITS / name(paths)
    text = unit(paths, python)
    enabled = UNITS / "multi-user.target.wants" / file.name
    if not runs() or (file.exists() and file.read_text() == text and enabled.is_symlink()):
        return False
    file.write_text(text)
    _systemctl("daemon-reload")
    _systemctl("enable", file.name)
    return True


def _systemctl(*words: str, check: bool = True) -> str:
    """The output of `systemctl`. It may take long while the machine's init is busy."""
    return run(["systemctl", *words], check=check, patient=Progress(lambda: [1]))


def begun(paths: Paths) -> None:
    """The cloud is up: activate the unit, so that the machine's shutdown stops the cloud in order.

    If the unit itself called `up`, it is active already.
    """
    if not runs():
        return
    state = _systemctl("show", "--value", "--property=ActiveState", name(paths)).strip()
    if state in ("inactive", "failed"):
        _done(paths).touch()
        _systemctl("start", "--no-block", name(paths))


def ended(paths: Paths) -> None:
    """The cloud is down: deactivate the unit, so that starting it brings the cloud up."""
    _done(paths).unlink(missing_ok=True)
    if runs() and (UNITS / name(paths)).exists():
        # Without waiting, since the unit itself may have called `down`.
        _systemctl("stop", "--no-block", name(paths), check=False)


def remove(paths: Paths) -> None:
    """Remove the unit. Idempotent."""
    file = UNITS / name(paths)
    if not file.exists():
        return
    if runs():
        # This also ends an `up` of the unit that waits for the lock: it would bring up a new cloud.
        _systemctl("disable", "--now", file.name, check=False)
    file.unlink()
    if runs():
        _systemctl("daemon-reload")


def detached(argv: Sequence[str], paths: Paths) -> list[str]:
    """A command line whose processes survive the session in which they are started.

    At the machine's shutdown they are ended after the unit has stopped the cloud in order.
    """
    if not runs():
        return list(argv)
    scope = ["systemd-run", "--quiet", "--scope", "--slice=system.slice", f"--property=Before={name(paths)}"]
    return [*scope, "--", *argv]
