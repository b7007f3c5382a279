"""Writes files of daemons that do not run as root, owned by users and groups of the base."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from onestack.host.machine import File
from onestack.platform.places import CA, HOST_CERTIFICATE, HOST_KEY

if TYPE_CHECKING:
    from onestack.platform.node import Node


def identities(file: Path) -> Mapping[str, int]:
    """The names and ids in the base's /etc/passwd or /etc/group."""
    rows = (line.split(":") for line in file.read_text().splitlines() if line.count(":") >= 3)
    return {row[0]: int(row[2]) for row in rows}


def write(node: Node, files: Mapping[str, File], owner: str, group: str, tree: str = "") -> None:
    """Write files (path inside the namespace -> what) for a user and a group of the base, or of a tree beside it."""
    uid = identities(node.tree(tree) / "etc/passwd")[owner]
    gid = identities(node.tree(tree) / "etc/group")[group]
    for place, file in files.items():
        target = node.outside(place)
        node.machine.write_files({target: file})
        os.chown(target, uid, gid)


def copy(
    node: Node, copies: Mapping[str, str], owner: str, group: str, tree: str = "", mode: int = 0o400
) -> None:
    """Copy files that only root may read to where a daemon can read them. `copies`: the copy's place inside the
    namespace -> the file's."""
    found = {place: File(node.outside(source).read_bytes(), mode) for place, source in copies.items()}
    write(node, found, owner, group, tree)


def certificates(node: Node, place: str, user: str, tree: str) -> None:
    """Give a daemon's user the host's certificate and key and the CA's certificate, in a folder of its own."""
    folder(node, place, user, user, 0o700, tree)
    sources = (CA, HOST_CERTIFICATE, HOST_KEY)
    copy(node, {f"{place}/{each.rpartition('/')[2]}": each for each in sources}, user, user, tree)


def folder(node: Node, place: str, owner: str, group: str, mode: int, tree: str = "") -> None:
    """Create a folder that only some hosts have, whatever is in it."""
    target = node.outside(place)
    target.mkdir(parents=True, exist_ok=True)
    os.chown(
        target,
        identities(node.tree(tree) / "etc/passwd")[owner],
        identities(node.tree(tree) / "etc/group")[group],
    )
    target.chmod(mode)
