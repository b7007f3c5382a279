"""A cloud's folders, with their owners and modes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from onestack.core import contract
from onestack.host.machine import File
from onestack.platform import layout
from onestack.platform.node import Node
from onestack.platform.owned import identities
from onestack.platform.shape import Folder
from onestack.platform.site import Site
from onestack.platform.view import View

SHARED = (
    # Outside the namespace, only root may enter a cloud's folders; inside, they are mounted one by one.
    Folder(contract.ETC, mode=0o700),
    # Mounted in every cloud.
    Folder("/etc/onestack/libvirt"),
    Folder(contract.LIB, mode=0o755),
    Folder("/var/lib/base"),
    Folder("/var/lib/tmp", mode=0o1777),
    Folder("/var/lib/cache"),
    Folder("/var/log", mode=0o750),
    Folder("/run", mode=0o755),
    Folder("/run/lock", mode=0o1777),
    Folder("/run/netns"),
    # With the set-group-id bit, sockets created here get the API gateway's group.
    Folder(contract.API_SOCKETS, "root", "haproxy", 0o2750),
)
"""Folders that belong to no service."""


def of(view: View) -> list[Folder]:
    """All folders that a host's processes need."""
    return [*SHARED, *(folder for one in layout.declarations(view) for folder in one.folders)]


def make(site: Site, node: Node) -> None:
    """Create the folders. Idempotent."""
    node.paths.lib.mkdir(parents=True, exist_ok=True)
    node.paths.lib.chmod(0o700)
    wanted = of(site.view_of(node))
    trees = {each.tree for each in wanted}
    users = {name: identities(node.tree(name) / "etc/passwd") for name in trees}
    groups = {name: identities(node.tree(name) / "etc/group") for name in trees}
    for folder in wanted:
        place = node.outside(folder.path)
        if folder.keeps_owner and place.exists():
            continue
        place.mkdir(parents=True, exist_ok=True)
        os.chown(place, users[folder.tree][folder.owner], groups[folder.tree][folder.group])
        place.chmod(folder.mode)


def write(node: Node, files: Mapping[str, str]) -> None:
    """Write configuration files (path below /etc/onestack, or inside the namespace -> text), each atomically.

    Files below /etc/onestack may contain passwords and are readable by root only. Other files contain no secrets and
    are readable by their users.
    """
    found: dict[Path, File] = {}
    for name, text in files.items():
        elsewhere = name.startswith("/")
        place = node.outside(name) if elsewhere else node.paths.etc / name
        found[place] = File(text.encode(), 0o644 if elsewhere else 0o600)
    node.machine.write_files(found)
