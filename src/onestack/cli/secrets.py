"""The commands about the cloud's own secrets."""

from __future__ import annotations

from dataclasses import asdict
from typing import TextIO

import click

from onestack.cli.common import command, here
from onestack.cli.main import cli
from onestack.core.errors import BadInput


@cli.group("secrets")
def secrets() -> None:
    """The passwords and keys that the cloud made for itself."""


@command(secrets, "list")
def list_() -> None:
    """Show which there are; never their values."""
    found = here().cloud.securing.secrets()
    lines = []
    for each in found:
        number = str(each.number) if each.number else ""
        state = "  [yellow]replacement not finished[/]" if each.unfinished else ""
        lines.append(
            f"{each.name:<10} {number:>3}  {each.what}{'' if each.by_itself else ' (by name only)'}{state}"
        )
    here().report([asdict(each) for each in found], lines)


@command(secrets, "rotate")
@click.argument("what", nargs=-1)
@click.option("--password-file", type=click.File(), help="admin's new password; - reads standard input.")
@click.option("--wait", default=0.0, metavar="SECONDS", help="Wait for another command that holds the cloud.")
def rotate(what: tuple[str, ...], password_file: TextIO | None, wait: float) -> None:
    """Replace WHAT (as `list` names it) by new ones, while the cloud serves; without WHAT all that people do not use.

    Services are started anew one after another. Cut off, it goes on with the next call, or with `up`.
    """
    password = None
    if password_file is not None:
        if "admin" not in what:
            raise BadInput(
                "--password-file is admin's", hint="onestack secrets rotate admin --password-file FILE"
            )
        password = password_file.read().rstrip("\n")
        if not 8 <= len(password.encode()) <= 72 or "\n" in password:
            raise BadInput("a password of one line, of 8 to 72 bytes", where=str(password_file.name))
    with here().events() as emit:
        here().cloud.securing.rotate(what, password=password, emit=emit, wait=wait)
