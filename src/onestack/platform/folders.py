"""The folders a cloud lives in: who owns them, and who may look."""

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
    # Only root may look into a cloud's folders from outside; inside, they are mounted one by one.
    Folder(contract.ETC, mode=0o700),
    # Mounted there, whatever a cloud consists of.
    Folder("/etc/onestack/libvirt"),
    Folder(contract.LIB, mode=0o755),
    Folder("/var/lib/base"),
    Folder("/var/lib/tmp", mode=0o1777),
    Folder("/var/lib/cache"),
    Folder("/var/log", mode=0o750),
    Folder("/run", mode=0o755),
    Folder("/run/lock", mode=0o1777),
    Folder("/run/netns"),
    # The set-group-id bit gives the sockets made here to the API gateway's group.
    Folder(contract.API_SOCKETS, "root", "haproxy", 0o2750),
)
"""Those of no service."""


def of(view: View) -> list[Folder]:
    """All that a host's processes need."""
    return [*SHARED, *(folder for one in layout.declarations(view) for folder in one.folders)]


def make(site: Site, node: Node) -> None:
    """Make the folders; harmless when they are there."""
    users = identities(node.layout.base / "etc/passwd")
    groups = identities(node.layout.base / "etc/group")
    node.paths.lib.mkdir(parents=True, exist_ok=True)
    node.paths.lib.chmod(0o700)
    for folder in of(site.view_of(node)):
        place = node.outside(folder.path)
        place.mkdir(parents=True, exist_ok=True)
        os.chown(place, users[folder.owner], groups[folder.group])
        place.chmod(folder.mode)


def write(node: Node, files: Mapping[str, str]) -> None:
    """Write configuration files (path below /etc/onestack, or inside the namespace -> text), each replaced whole.

    Those below /etc/onestack may hold passwords and are root's alone. What lies elsewhere has nothing secret, and is
    its users' to read.
    """
    found: dict[Path, File] = {}
    for name, text in files.items():
        elsewhere = name.startswith("/")
        place = node.outside(name) if elsewhere else node.paths.etc / name
        found[place] = File(text.encode(), 0o644 if elsewhere else 0o600)
    node.machine.write_files(found)
