"""The commands that explain a failure: why server, volume, port, balancer."""

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

_project = click.option("--project", "--tenant", metavar="NAME", help="Its project: name or id.")


@cli.group("why")
def why() -> None:
    """Explain a failure. For scaling groups: scale why."""


@command(why, "server")
@click.argument("server", metavar="NAME_OR_ID")
@_project
def server(server: str, project: str | None) -> None:
    """Why a server is in ERROR or stays in BUILD: for each host, what is missing or what excluded it.

    Exit status: 0 nothing is wrong with it, 1 something is.
    """
    _explain("server", server, project)


@command(why, "volume")
@click.argument("volume", metavar="NAME_OR_ID")
@_project
@click.option("--server", metavar="NAME_OR_ID", help="Why it cannot be attached to this server.")
def volume(volume: str, project: str | None, server: str | None) -> None:
    """Why a volume is in an error status, does not get ready, or cannot be attached to a server.

    Exit status: 0 nothing is wrong with it, 1 something is.
    """
    _explain("volume", volume, project, server)


@command(why, "port")
@click.argument("port", metavar="NAME_ID_OR_ADDRESS")
@_project
def port(port: str, project: str | None) -> None:
    """Why a port stays DOWN or could not be bound: its server, its host's OVN controller, its network's NIC.

    Exit status: 0 nothing is wrong with it, 1 something is.
    """
    _explain("port", port, project)


@command(why, "balancer")
@click.argument("balancer", metavar="NAME_OR_ID")
@_project
def balancer(balancer: str, project: str | None) -> None:
    """Why a balancer is in ERROR, or its members are: servers, ports, security groups, health monitors.

    Exit status: 0 nothing is wrong with it, 1 something is.
    """
    _explain("balancer", balancer, project)


def _explain(kind: str, word: str, project: str | None, server: str | None = None) -> None:
    found = here().cloud.why(kind, word, project, server)
    here().report(found.as_dict(), lines(found))
    sys.exit(0 if found.ok else 1)


def lines(found: Diagnosis) -> list[RenderableType]:
    """The verdict first, then each host or part with its reasons."""
    colour = "green" if found.ok else "red"
    shown: list[RenderableType] = [f"[bold {colour}]{escape(found.verdict)}[/]"]
    if found.hosts:
        rows = [(host.host, host.zone, host.reasons) for host in found.hosts]
        shown.append(_table(("host", "zone", "why not"), rows, "it could take it now"))
    if found.parts:
        rows = [(part.part, part.status, part.reasons) for part in found.parts]
        shown.append(_table(("part", "status", "why"), rows, "in order"))
    shown += [f"  {escape(fact)}" for fact in found.facts]
    if not found.ok:
        limits = ", ".join(
            f"{one.name} {one.used} of {one.limit if one.limit >= 0 else 'any number'}"
            + (" (used up)" if one.full else "")
            for one in found.quotas
        )
        shown += [f"  quota of the project: {limits}"] if limits else []
        if found.request_id:
            shown.append(f"  request: `onestack logs --request {found.request_id}`")
        shown += [f"  [dim]next:[/] {escape(found.hint)}"] if found.hint else []
    return shown


def _table(
    heads: tuple[str, str, str], rows: list[tuple[str, str, tuple[str, ...]]], without: str
) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD)
    for head in heads:
        table.add_column(head)
    for name, state, reasons in rows:
        told = "\n".join(escape(reason) for reason in reasons) or f"[green]{without}[/]"
        table.add_row(escape(name), escape(state), told)
    return table
