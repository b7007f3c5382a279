"""`export`: prints what exists as a spec."""

from __future__ import annotations

import sys

import click
from rich.markup import escape

from onestack.cli import view
from onestack.cli.common import CLOUD, command, here
from onestack.cli.main import cli


@command(cli, "export")
@click.option("--tenant", metavar="NAME", help="Only this tenant.")
@click.option("--all", "everything", is_flag=True, help="All that the account manages (the default).")
@click.option("--addresses", is_flag=True, help="Fixed IP addresses of servers and load balancers, too.")
@CLOUD
def export(tenant: str | None, everything: bool, addresses: bool, cloud: str | None) -> None:
    """Print what exists as a spec: onestack export > acme.yaml

    Warnings on standard error name what is left out. An administrator exports the whole cloud, another account
    (--cloud) its project.
    """
    if tenant and everything:
        raise click.UsageError("one of --tenant and --all")
    found = here().cloud_of(cloud).export(tenant=tenant, addresses=addresses)
    if here().as_json:
        here().report({"version": 1, "spec": found.text, "warnings": list(found.warnings)}, [])
        return
    sys.stdout.write(found.text)
    for warning in found.warnings:
        view.err.print(f"[yellow]warning:[/] {escape(warning)}", soft_wrap=True)
