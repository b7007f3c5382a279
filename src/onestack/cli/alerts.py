"""The command that shows the alerts of the cloud's Prometheus."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click
from rich.markup import escape

from onestack.cli.common import command, errors_are, here
from onestack.cli.main import cli

_COLOURS = {"critical": "red", "warning": "yellow"}


@command(cli, "alerts")
@click.option("--pending", is_flag=True, help="Also those that have not held for long enough.")
def alerts(pending: bool) -> None:
    """Show what is about to break, or is broken, by the metrics of the cloud's Prometheus.

    Exit status: 0 nothing is, 1 something is, 2 it could not be asked.
    """
    with errors_are(2):
        found = [each for each in here().cloud.observing.alerts() if pending or each.state == "firing"]
    lines = []
    for each in found:
        state = "" if each.state == "firing" else f" [dim]({each.state})[/]"
        colour = _COLOURS.get(each.severity, "default")
        lines.append(f"[{colour}]{each.severity}[/] {escape(each.summary)}{state}  [dim]{each.name}[/]")
        lines.append(f"  [dim]next:[/] {escape(each.action)}")
    here().report([asdict(each) for each in found], lines or ["no alerts"])
    sys.exit(1 if found else 0)
