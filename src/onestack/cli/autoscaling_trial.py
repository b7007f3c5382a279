"""The command that steps the load on a scaling group that runs: bench elastic --live."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from rich.console import RenderableType

from onestack.cli.common import command, here
from onestack.cli.main import cli

if TYPE_CHECKING:
    from onestack.autoscaling.trial.step import Report


@cli.group("bench")
def bench() -> None:
    """Measurements on a cloud that runs. The repository's bench/ has the others."""


@command(bench, "elastic")
@click.option(
    "--live", is_flag=True, required=True, help="On the cloud that runs; recorded loads: scale simulate."
)
@click.option("--group", default="web", show_default=True, metavar="NAME", help="The scaling group.")
@click.option("--low", default=5.0, show_default=True, metavar="RATE", help="Requests a second at first.")
@click.option(
    "--high", default=60.0, show_default=True, metavar="RATE", help="Requests a second after the step."
)
@click.option("--seconds", default=60.0, show_default=True, help="How long the high load lasts.")
@click.option(
    "--back",
    default=600.0,
    show_default=True,
    help="How long to wait until the group is small again; 0: do not wait.",
)
def elastic(live: bool, group: str, low: float, high: float, seconds: float, back: float) -> None:
    """Step the load on a group behind a load balancer up and back; report how fast it scaled and what failed.

    `onestack up examples/shop.yaml` creates such a group. Exit status 1 if a request failed.
    """
    from onestack.autoscaling.trial.step import step_load

    cloud = here().cloud
    with here().events() as emit:
        report = cloud.run(
            lambda: step_load(
                cloud.scaling_groups, group, low=low, high=high, seconds=seconds, back=back, emit=emit
            )
        )
    here().report(report.as_dict(), lines(report))
    sys.exit(1 if report.failed else 0)


def lines(report: Report) -> list[RenderableType]:
    """The report as text."""

    def when(seconds: float | None) -> str:
        return "never" if seconds is None else f"{seconds:.1f} s"

    colour = "red" if report.failed else "green"
    return [
        f"{report.group}: {report.low:g} -> {report.high:g} -> {report.low:g} requests a second",
        f"  step to decision             {when(report.decision)}",
        f"  step to a new one's answer   {when(report.first_answer)}",
        f"  members                      {report.before} -> {report.largest} -> {report.after}",
        f"  requests                     {report.requests}, [{colour}]{report.failed} failed[/], "
        f"slowest {report.slowest:.2f} s",
        *(f"  [red]{each}[/]" for each in report.failures),
    ]
