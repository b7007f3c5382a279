"""The commands about autoscaling: the group `scale`, and the simulation of a scaling group, which needs no cloud."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem
from rich import box
from rich.console import RenderableType
from rich.table import Table

from onestack.cli.common import command, here
from onestack.cli.main import cli

if TYPE_CHECKING:
    from onestack.autoscaling.simulation.replay import Replay
    from onestack.autoscaling.simulation.score import Scores


class ByName(click.Group):
    """A group of commands in which any other word is the name of a scaling group."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["group", *args]
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return [*super().shell_complete(ctx, incomplete), *complete_group(ctx, None, incomplete)]


def complete_group(
    ctx: click.Context, param: click.Parameter | None, incomplete: str
) -> list[CompletionItem]:
    """The names of scaling groups, for shell completion: from the autoscaler's last status, without API requests."""
    from onestack.autoscaling import status as autoscaling_status
    from onestack.core.paths import Paths

    groups = autoscaling_status.read(Paths.at(ctx.params.get("root") or "/").run).get("groups", {})
    names = sorted({str(group["name"]) for group in groups.values()})
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@cli.group("scale", cls=ByName)
def scale() -> None:
    """Scaling groups: servers whose number follows the load."""


@command(scale, "simulate")
@click.argument("spec", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--trace",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="A recorded load: a time and a number of requests in each line; may be gzipped.",
)
@click.option("--group", metavar="NAME", help="The scaling group; optional if there is only one.")
@click.option(
    "--serves",
    type=click.FloatRange(0, min_open=True),
    metavar="NUMBER",
    help="Requests a second that one member can serve; default: its target divided by 0.7.",
)
@click.option(
    "--times",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    metavar="FACTOR",
    help="Multiply the load by this.",
)
@click.option(
    "--starts",
    type=(click.FloatRange(0), click.FloatRange(0)),
    default=(30.0, 60.0),
    show_default=True,
    metavar="LEAST MOST",
    help="Seconds until a new member answers.",
)
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE.svg",
    help="Draw demand, supply and the shortage.",
)
def simulate(
    spec: Path,
    trace: Path,
    group: str | None,
    serves: float | None,
    times: float,
    starts: tuple[float, float],
    picture: Path | None,
) -> None:
    """What a scaling group of SPEC would have done with a recorded load. Changes nothing; needs no cloud."""
    from onestack.autoscaling.simulation.replay import replay
    from onestack.autoscaling.simulation.trace import read
    from onestack.spec import load

    least, most = min(starts), max(starts)
    found = replay(load(spec), read(trace).times(times), name=group, serves=serves, starts=(least, most))
    if picture:
        picture.write_text(found.picture())
    here().report(found.as_dict(), lines(found))


def lines(found: Replay) -> list[RenderableType]:
    """The scores as text."""
    fixed, ours = found.fixed.scores(), found.ours.scores()
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    for name in ("θ_U %", "θ_O %", "τ_U %", "τ_O %", "υ %", "jitter/h", "members", "η"):
        table.add_column(name, justify="right")
    table.add_row(found.ours.rule, *_numbers(ours, fixed), style="bold")
    table.add_row(f"fixed at {found.fixed.supply[-1]}", *_numbers(fixed, fixed))
    days = found.ours.trace.seconds / 86400
    shown: list[RenderableType] = [table, f"{found.decisions} changes of size in {days:.1f} days"]
    if found.left_out:
        shown.append(
            f"left out, since their metrics cannot be derived from a recorded load: {', '.join(found.left_out)}"
        )
    return shown


def _numbers(scores: Scores, without: Scores) -> list[str]:
    parts = (scores.theta_u, scores.theta_o, scores.tau_u, scores.tau_o, scores.instability, scores.jitter)
    return [*(f"{part:.2f}" for part in parts), f"{scores.members:.2f}", f"{scores.speedup(without):.2f}"]
