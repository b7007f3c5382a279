"""The command that goes on after the loss of a majority of control hosts, or of the leader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.console import RenderableType
from rich.markup import escape

from onestack.cli import approval
from onestack.cli.common import command, here
from onestack.cli.main import cli
from onestack.core.errors import BadInput

if TYPE_CHECKING:
    from onestack.platform.hosts.recovery import Recovery


@command(cli, "recover")
@click.option(
    "--dry-run", is_flag=True, help="Say what was found and what would be done, and change nothing."
)
@click.option(
    "--accept-data-loss",
    is_flag=True,
    help="Go on although the lost hosts may have newer data, which will be lost.",
)
@approval.YES
def recover(dry_run: bool, accept_data_loss: bool, yes: bool) -> None:
    """Go on without a majority of the control hosts, or without the leader, with those that are left.

    On the leader; where that is lost on another control host, which leads the cloud from then on. It says what they
    have and what it will do, and asks. Lost hosts must be switched off for good: first make sure of that. Where the
    leader is there, and a majority with it, it refuses: `onestack up` brings the cloud back then.
    """
    with here().events() as emit:
        cloud = here().cloud.recovering
        if dry_run:
            found = cloud.look(emit)
        else:

            def approve(seen: Recovery) -> None:
                with emit.paused():
                    _approve(seen, yes)

            found = cloud.recover(emit, approve, accepted=accept_data_loss)
    if dry_run:
        here().report(found.as_dict(), _lines(found))
        return
    lost = ", ".join(found.lost)
    leads = f"{found.lead} leads the cloud, which" if found.former else "the cloud"
    here().report(
        found.as_dict(),
        [f"{leads} runs without {lost}; `up`, once they are back, or `host replace` makes it whole again"],
    )


def _approve(found: Recovery, yes: bool) -> None:
    if not here().as_json:
        here().report({}, _lines(found))
    if yes:
        return
    if not approval.on_terminal():
        raise BadInput("nobody can be asked: there is no terminal", hint="--yes approves it")
    approval.confirm(f"Give up {', '.join(found.lost)}?")


def _lines(found: Recovery) -> list[RenderableType]:
    lines = ["Found:"]
    lines += [f"  {escape(each.host)} {each.service}: {escape(each.words)}" for each in found.members]
    lines += [f"  {escape(name)} is not reached: {escape(why)}" for name, why in found.problems.items()]
    lost = ", ".join(found.lost)
    lines.append(
        "  the data are the newest: nothing that was acknowledged is missing"
        if found.proved
        else f"  [yellow]{lost} may have newer data, which will be lost[/]"
    )
    return [*lines, "Will be done:", *(f"  {escape(each)}" for each in found.steps)]
