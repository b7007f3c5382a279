"""The commands about the cloud's own certificates."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from onestack.cli.common import command, here
from onestack.cli.main import cli

if TYPE_CHECKING:
    from onestack.platform.expiry import Certificate


@cli.group("certificates")
def certificates() -> None:
    """The certificates of the cloud's own APIs and hosts (those of balancers: `certificate`)."""


@command(certificates, "list")
def list_() -> None:
    """Show until when each is valid."""
    _show(here().cloud.securing.certificates())


@command(certificates, "renew")
@click.option("--wait", default=0.0, metavar="SECONDS", help="Wait for another command that holds the cloud.")
def renew(wait: float) -> None:
    """Issue those of OneStack's CA anew now. Before they expire this is done without being asked."""
    with here().events() as emit:
        found = here().cloud.securing.renew(emit=emit, wait=wait)
    _show(found)


def _show(found: Sequence[Certificate]) -> None:
    now = datetime.datetime.now(datetime.UTC)
    rows: list[dict[str, Any]] = [
        {
            "name": each.name,
            "subject": each.subject,
            "until": each.until.isoformat(),
            "days": each.days(now),
            "renewed_by": "onestack" if each.ours else "you",
            "file": str(each.file),
        }
        for each in found
    ]
    lines = [
        f"{row['name']:<14} {row['until'][:10]}  {row['days']:>5} days  renewed by {row['renewed_by']:<9}"
        f" {row['file']}"
        for row in rows
    ]
    here().report(rows, lines or ["none: the APIs are on loopback, without TLS"])
