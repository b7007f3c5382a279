"""The commands about volumes: check."""

from __future__ import annotations

import sys

import click

from onestack.cli.common import command, here
from onestack.cli.main import cli


@cli.group("volumes")
def volumes() -> None:
    """Volumes: whether they are consistent after a crash."""


@command(volumes, "check")
@click.option(
    "--no-repair", "--no-mend", "only_check", is_flag=True, help="Only report what is inconsistent."
)
def check(only_check: bool) -> None:
    """Compare Cinder's database, the files, libvirt's guests and Nova's attachments, say what is inconsistent, and
    repair it.

    Exit status: 0 every volume is consistent, 1 something is left.
    """
    with here().events() as emit:
        outcome = here().cloud.check_volumes(emit=emit, repair=not only_check)
    lines = [
        f"[yellow]{each.kind} {each.name}[/]: {each.what}; {_result(each.repaired)} {each.remedy}"
        + (f" [red]({each.error})[/]" if each.error else "")
        for each in outcome.findings
    ]
    if outcome.left:
        lines += [f"[red]left[/]: {each.kind} {each.name}: {each.what}" for each in outcome.left]
    else:
        lines.append(f"[green]{outcome.volumes} volumes, all consistent[/]")
    here().report(outcome.as_dict(), lines)
    sys.exit(outcome.exit_status)


def _result(repaired: bool | None) -> str:
    return {True: "[green]repaired[/]:", False: "[red]not repaired[/]:", None: "would be:"}[repaired]
