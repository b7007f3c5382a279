"""The commands that size a cloud: init, capacity."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich import box
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from onestack.cli.common import command, here
from onestack.cli.main import cli

if TYPE_CHECKING:
    from onestack.capacity import Report

_AT_LEAST_ONE = click.IntRange(1, 100_000)


class Size(click.ParamType[tuple[int, ...]]):
    """VCPUS,MIB,GIB."""

    name = "VCPUS,MIB,GIB"

    def convert(self, value: object, param: object, context: click.Context | None) -> tuple[int, ...]:
        parts = str(value).split(",")
        if len(parts) != 3 or not all(part.strip().isdigit() for part in parts):
            self.fail("three whole numbers: processors, MiB of memory, GiB of disk; such as 16,65536,500")
        return tuple(int(part) for part in parts)


@command(cli, "init")
@click.option("--tenants", type=_AT_LEAST_ONE, default=1, show_default=True, help="How many tenants.")
@click.option("--servers", type=_AT_LEAST_ONE, default=1, show_default=True, help="Servers of each tenant.")
@click.option("--hosts", type=click.IntRange(1, 500), default=1, show_default=True, help="Number of hosts.")
@click.option(
    "--redundancy",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help="Servers that can stand in for each other, on different hosts.",
)
def init(tenants: int, servers: int, hosts: int, redundancy: int) -> None:
    """Write a first spec, with comments, to standard output: onestack init --tenants 5 > cloud.yaml."""
    from onestack.capacity.starter import Wanted, text

    sys.stdout.write(text(Wanted(tenants, servers, hosts, redundancy)))


@command(cli, "capacity")
@click.argument("spec", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--hosts", type=_AT_LEAST_ONE, help="Assume this many hosts.")
@click.option("--like", type=Size(), help="Assume that each host has this size: 16,65536,500.")
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE.svg",
    help="Draw hosts and tenants.",
)
def capacity(
    spec: Path | None, hosts: int | None, like: tuple[int, int, int] | None, picture: Path | None
) -> None:
    """Whether SPEC fits, what survives the loss of hosts, which resource is short. Exit status: 0 it fits, 1 not.

    It uses the hosts in Placement if the cloud of SPEC runs, and those in SPEC that are not in the cloud yet.
    """
    from onestack.capacity.picture import draw

    report = here().cloud_for_anyone.capacity(spec, hosts=hosts, like=like)
    if picture:
        picture.write_text(draw(report))
    here().report(report.as_dict(), lines(report))
    sys.exit(0 if report.ok else 1)


def lines(report: Report) -> list[RenderableType]:
    """The report as text."""
    notes = [f"[yellow]·[/] {escape(each)}" for each in report.notes]
    return [_tenants(report), _hosts(report), *notes, *_verdict(report)]


def _tenants(report: Report) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="Requested", title_justify="left", title_style="bold")
    table.add_column("tenant")
    for name in ("servers", "vCPUs", "memory, MiB", "disk, GiB"):
        table.add_column(name, justify="right")
    for tenant, number in report.classic.tenants.items():
        table.add_row(escape(tenant), *(f"{each:,}" for each in (number, *report.asked_by(tenant))))
    table.add_section()
    table.add_row("in all", *(f"{each:,}" for each in (report.classic.nodes, *report.asked)), style="bold")
    return table


def _hosts(report: Report) -> Table:
    from onestack.capacity.model import RESOURCES, shares

    title = f"Available ({report.source})" if report.source else "Available"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold")
    table.add_column("limit")
    for name in ("requested", "capacity", "share", "hosts needed"):
        table.add_column(name, justify="right")
    needs = report.enough.needs if report.enough else {}
    used = shares(report.asked, report.room)
    for name, asked, there, share in zip(RESOURCES, report.asked, report.room, used, strict=True):
        binds = report.enough is not None and report.enough.binds == name
        used_text = f"{share:.0%}" if math.isfinite(share) else "none"
        colour = "red" if share > 1 else "bold" if binds else ""
        table.add_row(name, f"{asked:,}", f"{there:,}", used_text, _number(needs.get(name, 0)), style=colour)
    if needs.get("anti-affinity"):
        table.add_row("anti-affinity", "", "", "", _number(needs["anti-affinity"]))
    return table


def _number(number: int | None) -> str:
    return "never enough" if number is None else str(number)


def _verdict(report: Report) -> list[str]:
    figures = report.classic
    load = f"{figures.load:.4g}" if figures.hosts else "-"
    found = [
        f"C = {figures.nodes} servers, N = {figures.hosts} hosts, L = C/N = {load};"
        f" R = {figures.redundancy}, H = C/R = {figures.sets:g}",
        _fits(report),
    ]
    if report.verdict == "fits" and report.loss:
        found.append(_loss(report))
    if report.enough and report.demands:
        found.append(_enough(report))
    if (known := report.availability) is not None:
        found.append(
            f"  a host runs {known.each:.3%} of the time; {known.needed} of the {known.hosts} must run:"
            f" room for everything {known.all_served:.5%} of the time,"
            f" all but {known.minutes_a_year:.1f} minutes a year"
        )
        if known.copies > 1:
            found.append(
                f"  one of {known.copies} servers on different hosts: {known.one_of_copies:.6%} of the time"
            )
    return found


def _fits(report: Report) -> str:
    if report.verdict == "fits":
        return "[green]●[/] it fits"
    if report.verdict == "no placement found":
        return "[yellow]●[/] no placement was found, and none was proved impossible"
    return "\n".join(["[red]●[/] it cannot fit", *(f"  {escape(each.words)}" for each in report.reasons)])


def _loss(report: Report) -> str:
    loss = report.loss
    assert loss is not None
    many = f"{loss.hosts} host" + ("s" if loss.hosts > 1 else "")
    if report.ok:
        how = "by evacuation alone" if loss.way == "evacuation" else "by moving other servers too"
        return f"[green]●[/] after the loss of any {many} every server has a place, {how}"
    return f"[red]●[/] {escape(report.why_not())}"


def _enough(report: Report) -> str:
    enough = report.enough
    assert enough is not None
    like = f"hosts like {escape(enough.like.name)}"
    if enough.found is None:
        return (
            f"  no number of {like} is enough"
            if enough.at_least is None
            else f"  more than {enough.at_least} {like}"
        )
    spare = f", {report.wishes.tolerate} of them in reserve" if report.wishes.tolerate else ""
    binds = f"; {enough.binds} is the bottleneck" if enough.binds else ""
    if enough.found == enough.at_least:
        return f"  {enough.found} {like} are enough{spare}, and no fewer{binds}"
    return f"  {enough.found} {like} are enough{spare}; fewer than {enough.at_least} are not{binds}"
