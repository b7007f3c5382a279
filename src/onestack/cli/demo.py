"""The command that shows that the cloud works: demo."""

from __future__ import annotations

import sys

import click

from onestack.cli.common import command, here
from onestack.cli.main import cli


@command(cli, "demo")
@click.option("--remove", is_flag=True, help="Remove what the demo created.")
def demo(remove: bool) -> None:
    """Create a server that answers on a floating IP, in a tenant of its own, and show the command to query it.

    It applies examples/demo.yaml. It is idempotent: a second run only queries the server again.
    """
    from onestack import demo
    from onestack.cli import plan_view

    if remove:
        with here().events() as emit:
            outcome = demo.remove(here().cloud, emit)
        here().report(outcome.as_dict(), plan_view.outcome_lines(outcome))
        sys.exit(0 if outcome.ok else 1)
    with here().events() as emit:
        shown = demo.show(here().cloud, emit)
    root = "" if here().cloud.paths.is_default else f" --root {here().cloud.paths.root}"
    answer = (
        f"  answers: {shown.answer}"
        if shown.answer
        else "  (Nova's fake driver runs no guest: nothing answers)"
    )
    here().report(
        shown.as_dict(),
        [
            "",
            f"[bold green]{shown.url}[/]{answer}",
            f"  query it again {shown.command}",
            f"  remove it      ./onestack demo{root} --remove",
        ],
    )
