"""The commands about the cloud's hosts: list, show, drain, enable, remove, replace, exec, key."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.table import Table

from onestack.cli import approval
from onestack.cli.common import command, here
from onestack.cli.main import LEAVE_UNREACHABLE, cli

if TYPE_CHECKING:
    from onestack.platform.hosts.operations import HostStatus


@cli.group("host")
def host() -> None:
    """The machines of the cloud."""


@command(host, "list")
def list_hosts() -> None:
    """Every host with its roles, whether it is reached, and its guests. Exit status: 0 all are reached, 1 not."""
    found = here().cloud.hosts.list()
    here().report([each.as_dict() for each in found], [_table(found)])
    sys.exit(1 if any(each.problem for each in found) else 0)


@command(host, "show")
@click.argument("name")
def show(name: str) -> None:
    """One host."""
    here().cloud.hosts.spec_of(name)
    (found,) = (each for each in here().cloud.hosts.list() if each.name == name)
    here().report(
        found.as_dict(), [f"{key:<10} {escape(str(value))}" for key, value in found.as_dict().items()]
    )


@command(host, "drain")
@click.argument("name")
def drain(name: str) -> None:
    """Move every guest of host NAME to other hosts, and give it no new ones. Running it again goes on."""
    with here().events() as emit:
        moved = here().cloud.hosts.drain(name, emit)
    here().report({"moved": moved}, [f"{name} is empty; `onestack host enable {name}` uses it again"])


@command(host, "enable")
@click.argument("name")
def enable(name: str) -> None:
    """Give host NAME new guests again."""
    here().cloud.hosts.enable(name)
    here().report({"enabled": name}, [f"{name} takes new guests"])


@command(host, "remove")
@click.argument("name")
@approval.YES
@LEAVE_UNREACHABLE
def remove(name: str, yes: bool, leave_unreachable: bool) -> None:
    """Empty host NAME, take it out of the cloud, and leave it as it was before.

    Take it out of your file, too: `up` with a file that lists it takes it on again. A host that is lost is taken out
    with --leave-unreachable; its guests must have been deleted or evacuated.
    """
    here().cloud.hosts.require_removable(name)
    if not yes and approval.on_terminal():
        approval.confirm(f"Move the guests of {name} to other hosts, and remove it from the cloud?")
    with here().events() as emit:
        here().cloud.remove_host(name, emit=emit, leave_unreachable=leave_unreachable)
    here().report({"removed": name}, [f"{name} is out of the cloud; take it out of your file, too"])


@command(host, "replace")
@click.argument("name")
@click.argument("spec", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--with", "other", required=True, metavar="HOST", help="The host that takes its place.")
@approval.YES
@LEAVE_UNREACHABLE
def replace(name: str, spec: Path, other: str, yes: bool, leave_unreachable: bool) -> None:
    """Put another host in the place of control host NAME: host replace c2 --with c4 cloud.yaml.

    SPEC is the cloud's file with the new host instead of NAME. Guests of NAME are moved to other hosts; the APIs
    restart. A host that is lost is replaced with --leave-unreachable; its guests must have been deleted or evacuated.
    """
    if not yes and approval.on_terminal():
        approval.confirm(f"Take {name} out of the cloud, and put {other} in its place?")
    with here().events() as emit:
        here().cloud.replace_host(name, other, spec, emit, leave_unreachable=leave_unreachable)
    here().report({"replaced": name, "by": other}, [f"{other} is a control host in the place of {name}"])


@command(host, "exec", passes_words=True)
@click.argument("name")
@click.argument("words", nargs=-1, required=True)
def execute(name: str, words: Sequence[str]) -> None:
    """Run a command on host NAME: host exec n1 -- uptime."""
    sys.exit(here().cloud.hosts.execute(name, words))


@command(host, "key")
def key() -> None:
    """The line that a new host needs in its authorized_keys, so that this one reaches it."""
    line = here().cloud.public_key()
    here().report({"key": line}, [])
    if not here().as_json:
        sys.stdout.write(f"{line}\n")


def _table(found: Sequence[HostStatus]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("host", "address", "roles", "reached", "compute", "zone", "guests"):
        table.add_column(title, justify="right" if title == "guests" else "left")
    for each in found:
        reached = f"[red]no[/]: {escape(each.problem)}" if each.problem else "[green]yes[/]"
        compute = f"{each.compute}, drained" if each.drained else each.compute
        name = f"{each.name} (leader)" if each.leader else each.name
        table.add_row(
            name, each.address, ", ".join(each.roles), reached, compute, each.zone, str(each.guests)
        )
    return table
