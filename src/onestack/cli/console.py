"""The command that serves the operator's console."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from onestack.cli.common import command, here
from onestack.cli.main import cli

PORT = 9470


@command(cli, "console")
@click.option(
    "--port", default=PORT, show_default=True, help="Where it listens, on 127.0.0.1; 0: any free one."
)
@click.option("--no-browser", is_flag=True, help="Only print the link.")
def console(port: int, no_browser: bool) -> None:
    """Serve a web page on loopback that shows the cloud, and print a link for one login. Ctrl-C ends it.

    Where one serves already, its link is printed. Elsewhere than on this machine: ssh -L 9470:127.0.0.1:9470 HOST.
    """
    from onestack.console.__main__ import say
    from onestack.console.places import state_file

    site = here().cloud.site
    site.require_leader()
    paths = site.paths
    user = os.environ.get("SUDO_USER") or os.environ.get("USER") or "root"
    browse = not no_browser and any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    running = _running_port(state_file(paths))
    if running is not None:
        say(paths, running, user, browse=browse, as_json=here().as_json)
        return
    flags = ["yes" if each else "no" for each in (browse, here().as_json)]
    words = [sys.executable, "-W", "ignore", "-m", "onestack.console", str(paths.root), str(paths.cache)]
    sys.stdout.flush()
    os.execv(words[0], [*words, str(port), user, *flags])


def _running_port(state: Path) -> int | None:
    """The port of the console that runs; None if none does."""
    try:
        found = json.loads(state.read_text())
        words = Path(f"/proc/{found['pid']}/cmdline").read_bytes().split(b"\0")
        return int(found["port"]) if b"onestack.console" in words else None
    except (OSError, ValueError, KeyError):
        return None
