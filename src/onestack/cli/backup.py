"""The commands about backups: backup create, list, verify, prune, key; restore."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape
from rich.table import Table

from onestack.cli.common import command, here
from onestack.cli.main import cli
from onestack.core.errors import BadInput

if TYPE_CHECKING:
    from onestack.health.backup.operations import Backups
    from onestack.health.backup.restic import Snapshot

KEY_VARIABLE = "ONESTACK_BACKUP_KEY"
_FOLDER = click.Path(file_okay=False, path_type=Path)
_FROM = click.option("--from", "place", type=_FOLDER, metavar="DIR", help="The folder with the backups.")
_KEY = click.option(
    "--key",
    "key_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=f"The file with their key, instead of {KEY_VARIABLE}. By default the cloud's own.",
)


@cli.group("backup")
def backup() -> None:
    """Backups of the whole cloud: databases, networks, keys, images, volumes, servers' disks."""


def _backups(place: Path | None, key_file: Path | None = None) -> Backups:
    key = os.environ.get(KEY_VARIABLE) or None
    if key_file is not None:
        try:
            key = key_file.read_text().strip()
        except OSError as error:
            raise BadInput(f"{key_file} cannot be read: {error.strerror}", hint="--key FILE") from error
        if not key:
            raise BadInput(f"{key_file} is empty", hint="the key is what `onestack backup key` printed")
    return here().cloud.backups(place, key)


def _as_dict(each: Snapshot) -> dict[str, Any]:
    return {**asdict(each), "short": each.short}


@command(backup, "create")
@click.option("--to", "place", type=_FOLDER, metavar="DIR", help="The folder to store it in.")
@click.option("--guests/--no-guests", default=None, help="With or without servers' own disks.")
def create(place: Path | None, guests: bool | None) -> None:
    """Back the cloud up while it serves.

    Stored encrypted, and only what is new. Exit status: 0 it is complete, else there is no new backup.
    """
    with here().events() as emit:
        made = _backups(place).create(emit=emit, guests=guests)
    here().report(_as_dict(made), [f"backup {made.short} is complete"])


@command(backup, "list")
@_FROM
@_KEY
def list_(place: Path | None, key_file: Path | None) -> None:
    """Show every complete backup, the newest last."""
    found = _backups(place, key_file).list()
    table = Table(box=None, pad_edge=False)
    for title in ("backup", "made (UTC)", "size", "added", "root"):
        table.add_column(title, justify="right" if title in ("size", "added") else "left")
    for each in found:
        made = each.time[:19].replace("T", " ")
        table.add_row(
            each.short, made, f"{each.size / 1e6:.0f} MB", f"{each.added / 1e6:.1f} MB", escape(each.root)
        )
    here().report([_as_dict(each) for each in found], [table] if found else ["none"])


@command(backup, "verify")
@click.argument("snapshot", required=False)
@_FROM
@_KEY
def verify(snapshot: str | None, place: Path | None, key_file: Path | None) -> None:
    """Read SNAPSHOT (or the last backup) back as a whole, and compare it with its manifest.

    Exit status: 0 it can be restored, 1 it cannot, 2 there is no such backup.
    """
    with here().events() as emit:
        found = _backups(place, key_file).verify(snapshot, emit=emit)
    here().report(_as_dict(found), [f"backup {found.short} is whole"])


def _keeps(function: Callable[..., None]) -> Callable[..., None]:
    for name in ("monthly", "weekly", "daily", "last"):
        about = (
            "The last N."
            if name == "last"
            else f"One of each of the last N {name[:-2].replace('dai', 'day')}s."
        )
        function = click.option(f"--keep-{name}", type=click.IntRange(0), metavar="N", help=about)(function)
    return function


@command(backup, "prune")
@_keeps
@_FROM
@_KEY
def prune(place: Path | None, key_file: Path | None, **keep: int | None) -> None:
    """Delete backups that need not be kept: by default as platform.backup.keep says."""
    given = {name.removeprefix("keep_"): count or 0 for name, count in keep.items()}
    counts = given if any(value is not None for value in keep.values()) else None
    with here().events() as emit:
        gone, left = _backups(place, key_file).prune(counts, emit=emit)
    here().report({"deleted": gone, "kept": left}, [f"{gone} deleted, {left} kept"])


@command(backup, "key")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it to a file instead.",
)
def key(out: Path | None) -> None:
    """Print the key of the cloud's backups, which a restore needs. Keep it where the cloud is not."""
    found = here().cloud.backups().key(out)
    if out is not None:
        here().report({"file": str(out)}, [f"the key is in {out}"])
        return
    here().report({"key": found}, [])
    if not here().as_json:
        sys.stdout.write(f"{found}\n")


@command(cli, "restore")
@click.argument("snapshot", required=False)
@_FROM
@_KEY
def restore(snapshot: str | None, place: Path | None, key_file: Path | None) -> None:
    """Restore SNAPSHOT (or the last backup) to a root where there is no cloud; `up` brings it back then."""
    with here().events() as emit:
        found = _backups(place, key_file).restore(snapshot, emit=emit)
    root = "" if here().cloud.paths.is_default else f" --root {here().cloud.paths.root}"
    here().report(
        {"name": found.cloud, "release": found.release, "files": len(found.files), "size": found.size},
        [f"the cloud {found.cloud} is restored; `onestack up{root}` brings it back"],
    )
