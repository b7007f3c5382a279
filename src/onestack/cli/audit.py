"""The command that says who changed what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from rich.markup import escape

from onestack.cli import view
from onestack.cli.common import command, here
from onestack.cli.main import cli


@command(cli, "audit")
@click.option("--user", help="Only what this user did: a name or an id.")
@click.option("--project", help="Only what was done in this project: a name or an id.")
@click.option("--since", metavar="TIME", help="Only since then, in UTC: 10m, 2h, or 2026-01-31T12:00.")
@click.option("--services", is_flag=True, help="Also what the services asked of each other by themselves.")
@click.option("-n", "--lines", default=100, show_default=True, help="How many at most, the newest; 0: all.")
def audit(user: str | None, project: str | None, since: str | None, services: bool, lines: int) -> None:
    """Show the API calls that changed something, and logins: who, where, what, from which address, the answer.

    --json prints the events as they were written, in CADF.
    """
    from onestack.health.securing.audit import Wanted

    found, missing = here().cloud.securing.audit(Wanted(user, project, since, services))
    shown = found[-lines:] if lines else found
    if here().as_json:
        for each in shown:
            view.json_line(each)
    else:
        for each in shown:
            click.echo(_line(each))
    for host, why in missing.items():
        view.err.print(f"[yellow]{host} was not asked:[/] {escape(why)}")


def _line(event: Mapping[str, Any]) -> str:
    """One event, as a line that can be searched."""
    who, target, reason = event["initiator"], event["target"], event["reason"]
    path, made = event["requestPath"], target.get("id", "")
    user, project = (who.get(f"{of}name") or who.get(f"{of}id") or "-" for of in ("", "project_"))
    words = [
        event["eventTime"][:19].replace("T", " "),
        f"{user}@{project}",
        event["action"],
        path + (f" ({made})" if made and made not in path else ""),
        f"-> {reason['reasonCode']}",
        reason.get("detail", ""),
        f"from {who['host']['address'] or '-'}",
        who.get("request_id", ""),
    ]
    return "  ".join(filter(None, words))
