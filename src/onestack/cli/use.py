"""The commands that use a cloud: verify, exec."""

from __future__ import annotations

import re
import sys

import click

from onestack.cli.common import command, here
from onestack.cli.main import cli

SMOKE = "smoke"
"""Of `--tempest`: the tests that are chosen for this cloud's services."""


def _expression(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    try:
        re.compile(value or "")
    except re.error as error:
        raise click.BadParameter(f"{value} is no regular expression: {error}") from error
    return value


@command(cli, "verify")
@click.option("--quick", is_flag=True, help="As two ordinary tenants (the default).")
@click.option(
    "--tempest",
    metavar="TESTS",
    callback=_expression,
    help="With upstream's own test suite: `smoke`, or a regular expression of names (tempest.api.volume).",
)
@click.option(
    "--concurrency", default=2, show_default=True, help="How many of Tempest's tests run at a time."
)
def verify(quick: bool, tempest: str | None, concurrency: int) -> None:
    """Try the cloud from end to end. Exit status: 0 it works, 1 it does not."""
    if quick and tempest:
        raise click.UsageError("--quick or --tempest, not both")
    with here().events() as emit:
        if tempest is None:
            report = here().cloud.verify(emit=emit)
            lines = [f"[yellow]left out:[/] {each}" for each in report.left_out]
            lines.append("[green]the cloud works[/]" if report.ok else "[red]the cloud does not work[/]")
            data, status = report.as_dict(), report.exit_status
        else:
            tests = None if tempest == SMOKE else tempest
            smoke = here().cloud.verify_tempest(emit=emit, concurrency=concurrency, tests=tests)
            lines = [f"[dim]skipped[/]  {each.name}  [dim]{each.reason}[/]" for each in smoke.of("skipped")]
            lines += [f"[red]failed[/]   {each.name}  [dim]{each.reason}[/]" for each in smoke.of("failed")]
            sums = (f"{len(smoke.of(state))} {state}" for state in ("passed", "failed", "skipped"))
            lines.append(
                ", ".join(sums)
                + f" in {smoke.seconds:.0f} s"
                + (f"; {smoke.cut_short}" if smoke.cut_short else "")
            )
            data, status = smoke.as_dict(), smoke.exit_status
    here().report(data, lines)
    sys.exit(status)


@command(cli, "exec", passes_words=True)
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(words: tuple[str, ...]) -> None:
    """Run a program in the cloud's network, as its administrator: onestack exec openstack server list."""
    sys.exit(here().cloud.execute(words))
