"""The commands that use a cloud: verify, exec."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from onestack.cli.common import command, here
from onestack.cli.main import cli

if TYPE_CHECKING:
    from onestack.health.verify import SmokeReport, SuiteReport

# Repeated here, since help and completion must not import openstacksdk. A test compares them.
SUITES = ("openstacksdk",)

SMOKE = "smoke"
"""The value of `--tempest` for the tests that are chosen for this cloud's services."""


def _expression(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    try:
        re.compile(value or "")
    except re.error as error:
        raise click.BadParameter(f"{value} is not a regular expression: {error}") from error
    return value


@command(cli, "verify")
@click.option("--quick", is_flag=True, help="Test as two ordinary tenants (the default).")
@click.option(
    "--tempest",
    metavar="TESTS",
    callback=_expression,
    help="Run upstream's Tempest: `smoke`, or a regular expression of names (tempest.api.volume).",
)
@click.option("--suite", type=click.Choice(SUITES), help="Run the tests of an OpenStack client.")
@click.option(
    "--only",
    metavar="REGEX",
    callback=_expression,
    help="Run only those of the suite's tests whose names match.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="How many of upstream's tests run at a time.",
)
def verify(quick: bool, tempest: str | None, suite: str | None, only: str | None, concurrency: int) -> None:
    """Test the cloud from end to end. Exit status: 0 it works, 1 it does not."""
    if quick + bool(tempest) + bool(suite) > 1:
        raise click.UsageError("one of --quick, --tempest and --suite")
    if only is not None and not suite:
        raise click.UsageError("--only goes with --suite")
    with here().events() as emit:
        if suite:
            found = here().cloud.verify_suite(suite, emit=emit, only=only, concurrency=concurrency)
            data, lines, status = found.as_dict(), _suite_lines(found), found.exit_status
        elif tempest:
            tests = None if tempest == SMOKE else tempest
            smoke = here().cloud.verify_tempest(emit=emit, concurrency=concurrency, tests=tests)
            data, lines, status = smoke.as_dict(), _smoke_lines(smoke), smoke.exit_status
        else:
            report = here().cloud.verify(emit=emit)
            lines = [f"[yellow]left out:[/] {each}" for each in report.left_out]
            lines.append("[green]the cloud works[/]" if report.ok else "[red]the cloud does not work[/]")
            data, status = report.as_dict(), report.exit_status
    here().report(data, lines)
    sys.exit(status)


def _smoke_lines(report: SmokeReport) -> list[str]:
    lines = [_test_line("[dim]skipped[/]  ", each.name, each.reason) for each in report.of("skipped")]
    lines += [_test_line("[red]failed[/]   ", each.name, each.reason) for each in report.of("failed")]
    sums = ", ".join(f"{len(report.of(state))} {state}" for state in ("passed", "failed", "skipped"))
    return [*lines, _end(sums, report.seconds, report.cut_short)]


def _suite_lines(report: SuiteReport) -> list[str]:
    lines = [_test_line("[dim]skipped[/]        ", each.name, each.reason) for each in report.skipped]
    lines += [
        _test_line("[yellow]known to fail[/]  ", each.name, reason) for each, reason in report.known_failures
    ]
    lines += [
        _test_line("[yellow]stale[/]          ", name, "passed, and is listed as known to fail")
        for name in report.stale
    ]
    lines += [_test_line("[red]failed[/]         ", each.name, each.last_line) for each in report.failed]
    return [
        *lines,
        _end(report.sums(), report.seconds, report.cut_short),
        f"[dim]what it wrote: {report.log}[/]",
    ]


def _test_line(mark: str, name: str, reason: str) -> str:
    return f"{mark}{escape(name)}  [dim]{escape(reason)}[/]"


def _end(sums: str, seconds: float, cut_short: str) -> str:
    return f"{sums} in {seconds:.0f} s" + (f"; {cut_short}" if cut_short else "")


@command(cli, "exec", passes_words=True)
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(words: tuple[str, ...]) -> None:
    """Run a program in the cloud's network, as its administrator: onestack exec openstack server list."""
    sys.exit(here().cloud.execute(words))
