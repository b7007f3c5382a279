"""The commands about volumes: check."""

from __future__ import annotations

import sys

import click

from onestack.cli.common import command, here
from onestack.cli.main import cli


@cli.group("volumes")
def volumes() -> None:
    """What volumes are, whatever was cut off."""


@command(volumes, "check")
@click.option("--no-mend", is_flag=True, help="Only say what is untrue.")
def check(no_mend: bool) -> None:
    """Hold Cinder's database, the files, libvirt's guests and Nova's attachments against each other, say what is
    untrue, and make every volume what it says it is.

    Exit status: 0 every volume is what it says, 1 something is left.
    """
    with here().events() as emit:
        outcome = here().cloud.check_volumes(emit=emit, mend=not no_mend)
    lines = [
        f"[yellow]{each.kind} {each.name}[/]: {each.what}; {_told(each.mended)} {each.remedy}"
        + (f" [red]({each.error})[/]" if each.error else "")
        for each in outcome.findings
    ]
    if outcome.left:
        lines += [f"[red]left[/]: {each.kind} {each.name}: {each.what}" for each in outcome.left]
    else:
        lines.append(f"[green]{outcome.volumes} volumes, each is what it says[/]")
    here().report(outcome.as_dict(), lines)
    sys.exit(outcome.exit_status)


def _told(mended: bool | None) -> str:
    return {True: "[green]mended[/]:", False: "[red]not mended[/]:", None: "would be:"}[mended]
