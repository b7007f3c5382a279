"""The commands about load balancing: balancers check, certificate add, list, delete."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from onestack.cli.common import command, here
from onestack.cli.main import cli


@cli.group("balancers")
def balancers() -> None:
    """Octavia's load balancers on this machine."""


@command(balancers, "check")
@click.option("--no-repair", "--no-mend", "only_check", is_flag=True, help="Only report what is wrong.")
def check(only_check: bool) -> None:
    """Compare Octavia's database with configurations, processes and network, and repair what differs.

    Exit status: 0 all is well or was repaired, 1 something is still wrong.
    """
    report = here().cloud.balancing.check(repair=not only_check)
    lines = [f"[yellow]{each['what']}[/]  {each['balancer']}" for each in report["found"]]
    lines += [f"[red]still: {each['what']}[/]  {each['balancer']}" for each in report["left"]]
    repaired = len(report["found"]) - len(report["left"])
    lines.append(
        f"{report['balancers']} balancers, {len(report['found'])} findings"
        + (f", {repaired} repaired" if report["found"] and not only_check else "")
    )
    here().report(report, lines)
    sys.exit(1 if report["left"] else 0)


@cli.group("certificate")
def certificate() -> None:
    """Certificates for load balancers that terminate TLS."""


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@command(certificate, "add")
@click.argument("name")
@click.option("--project", required=True, help="The project whose balancers may use it: name or id.")
@click.option("--cert", type=_FILE, help="The certificate, in PEM.")
@click.option("--key", type=_FILE, help="Its private key, in PEM, without a passphrase.")
@click.option("--chain", type=_FILE, help="Intermediate certificates, in PEM.")
@click.option(
    "--secret", type=_FILE, help="A CA bundle for clients' certificates, or a list of revoked ones."
)
def add(
    name: str, project: str, cert: Path | None, key: Path | None, chain: Path | None, secret: Path | None
) -> None:
    """Store a certificate with its key for a project, and print the reference to give to Octavia."""
    if bool(cert) != bool(key) or bool(cert) == bool(secret) or (chain and not cert):
        raise click.UsageError("either --cert and --key (and --chain), or --secret")
    about, reference = here().cloud.balancing.add_certificate(
        name, project, cert=cert, key=key, chain=chain, secret=secret
    )
    here().report({**asdict(about), "reference": reference}, [reference])


@command(certificate, "list")
def list_() -> None:
    """Show every certificate with its reference."""
    found = here().cloud.balancing.certificates()
    rows = [{**asdict(about), "reference": reference} for about, reference in found]
    lines = [
        f"{row['name']}  {row['subject'] or row['kind']}  {row['until'][:10]}  [dim]{row['reference']}[/]"
        for row in rows
    ]
    here().report(rows, lines or ["none"])


@command(certificate, "delete")
@click.argument("name")
def delete(name: str) -> None:
    """Delete a certificate, by name, id or reference. Refused while a listener or pool refers to it."""
    about = here().cloud.balancing.delete_certificate(name)
    here().report(asdict(about), [f"{about.name} ({about.id}) is deleted"])
