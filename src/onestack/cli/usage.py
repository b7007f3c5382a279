"""The command that says what tenants used."""

from __future__ import annotations

import csv
import io

import click
from rich import box
from rich.table import Table

from onestack.cli.common import command, here
from onestack.cli.main import cli


@command(cli, "usage")
@click.option("--month", metavar="YYYY-MM", help="In UTC; the present one if not given, until now.")
@click.option("--csv", "as_csv", is_flag=True, help="Output CSV, for a spreadsheet or a billing system.")
def usage(month: str | None, as_csv: bool) -> None:
    """Show what each tenant used in a month: hours of servers, virtual CPUs, GiB, addresses and balancers."""
    period, found = here().cloud.observing.usage(month)
    rows = [each.as_dict() for each in found]
    if as_csv:
        from onestack.observe.usage import UNITS

        text = io.StringIO()
        writer = csv.DictWriter(text, ["month", "project", "name", *UNITS], lineterminator="\n")
        writer.writeheader()
        writer.writerows({"month": period.name, **row} for row in rows)
        click.echo(text.getvalue(), nl=False)
        return
    title = f"{period.name}: hours; of memory, disks, volumes and images GiB times hours"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("tenant")
    for name in ("servers", "vCPUs", "memory", "disks", "volumes", "images", "IPs", "LBs"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in found:
        table.add_row(each.name or each.project, *(f"{value:.1f}" for value in each.used.values()))
    here().report(
        {"month": period.name, "tenants": rows}, [table] if found else [f"{period.name}: nothing was used"]
    )
