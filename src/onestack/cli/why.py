"""The commands that explain a failure: why server."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from rich import box
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from onestack.cli.common import command, here
from onestack.cli.main import cli

if TYPE_CHECKING:
    from onestack.health.why import Diagnosis


@cli.group("why")
def why() -> None:
    """Explain a failure. For scaling groups: scale why."""


@command(why, "server")
@click.argument("server", metavar="NAME_OR_ID")
@click.option("--project", "--tenant", metavar="NAME", help="The server's project: name or id.")
def server(server: str, project: str | None) -> None:
    """Why a server is in ERROR or stays in BUILD: for each host, what is missing or what excluded it.

    Exit status: 0 nothing is wrong with it, 1 something is.
    """
    found = here().cloud.why(server, project)
    here().report(found.as_dict(), lines(found))
    sys.exit(0 if found.ok else 1)


def lines(found: Diagnosis) -> list[RenderableType]:
    """The verdict first, then each host with its reasons."""
    colour = "green" if found.ok else "red"
    shown: list[RenderableType] = [f"[bold {colour}]{escape(found.verdict)}[/]"]
    if found.hosts:
        table = Table(box=box.SIMPLE_HEAD)
        for name in ("host", "zone", "why not"):
            table.add_column(name)
        for host in found.hosts:
            reasons = "\n".join(escape(reason) for reason in host.reasons) or "[green]it could take it now[/]"
            table.add_row(escape(host.host), escape(host.zone), reasons)
        shown.append(table)
    shown += [f"  {escape(fact)}" for fact in found.facts]
    if not found.ok:
        limits = ", ".join(
            f"{one.name} {one.used} of {one.limit if one.limit >= 0 else 'any number'}"
            + (" (used up)" if one.full else "")
            for one in found.quotas
        )
        shown += [f"  quota of the project: {limits}"] if limits else []
        shown += [f"  request: {found.request_id}"] if found.request_id else []
        shown += [f"  [dim]next:[/] {escape(found.hint)}"] if found.hint else []
    return shown
