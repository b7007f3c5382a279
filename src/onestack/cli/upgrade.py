"""The command about another release: upgrade, and its status, commit and rollback."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.console import RenderableType
from rich.markup import escape

from onestack.cli.common import command, here
from onestack.cli.main import cli
from onestack.core.errors import BadInput

if TYPE_CHECKING:
    from onestack.health.upgrade.check import Plan
    from onestack.health.upgrade.journal import Journal

ACTIONS = STATUS, COMMIT, ROLLBACK = "status", "commit", "rollback"


@command(cli, "upgrade")
@click.argument("action", required=False, type=click.Choice(ACTIONS))
@click.option(
    "--to", "series", metavar="RELEASE", help="The release, such as 2026.2; that of now for a newer build."
)
@click.option("--check", is_flag=True, help="Say what will happen and what stops it; change nothing.")
@click.option(
    "--restore", is_flag=True, help="Go back with the databases of before: what was made since is lost."
)
@click.option("--wait", default=0.0, metavar="SECONDS", help="Wait for another command that holds the cloud.")
def upgrade(action: str | None, series: str | None, check: bool, restore: bool, wait: float) -> None:
    """Bring the cloud to another release while it serves, and back.

    Afterwards `commit` makes it final, `rollback` goes back, `status` says how far it is. Cut off, the same command
    goes on. Exit status: 0 done, 1 failed (the former release serves) or --check found what stops it, 2 wrong input.
    """
    upgrading = here().cloud.upgrading
    if restore and action != ROLLBACK:
        raise click.UsageError("--restore belongs to `upgrade rollback`")
    if action is None:
        if series is None:
            raise BadInput("to which release?", hint="--to RELEASE, or `onestack upgrade status`")
        if check:
            plan = upgrading.check(series)
            here().report(plan.as_dict(), _plan(plan))
            raise SystemExit(1 if plan.stops else 0)
        with here().events() as emit:
            done = upgrading.upgrade(series, emit=emit, wait=wait)
        _report(
            done,
            f"the cloud runs {done.newer}; `onestack upgrade commit` makes it final, "
            f"`onestack upgrade rollback` goes back to {done.older}",
        )
        return
    if series or check:
        raise click.UsageError(f"--to and --check do not belong to `upgrade {action}`")
    if action == STATUS:
        found = upgrading.status()
        if found is None:
            here().report({"state": "none"}, ["there is no upgrade that is not final"])
        else:
            _report(found, f"{found.older} to {found.newer}: {found.state}")
        return
    with here().events() as emit:
        if action == COMMIT:
            done = upgrading.commit(emit=emit, wait=wait)
            said = f"the cloud runs {done.newer} for good; from here only a backup goes back"
        else:
            done = upgrading.rollback(restore=restore, emit=emit, wait=wait)
            said = f"the cloud runs {done.older} again"
    _report(done, said)


def _report(found: Journal, line: str) -> None:
    here().report({**asdict(found), "state": found.state}, [escape(line)])


def _plan(plan: Plan) -> list[RenderableType]:
    lines = [f"{plan.older} to {plan.newer}. Will be done:", *(f"  {escape(each)}" for each in plan.does)]
    lines += [f"The way back until `commit`: {escape(plan.back)}", *map(escape, plan.notes)]
    if plan.stops:
        return [*lines, "[red]It cannot be done now:[/]", *(f"  {escape(each)}" for each in plan.stops)]
    return [*lines, "nothing stops it"]
