"""The folders a cloud lives in: who owns them, and who may look."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from onestack.core import contract
from onestack.host.files import replace_private
from onestack.platform.infrastructure import prometheus
from onestack.platform.site import Site


@dataclass(frozen=True)
class Folder:
    """`path` inside the namespace; owner and group are names in the base."""

    path: str
    owner: str = "root"
    group: str = "root"
    mode: int = 0o755


FOLDERS = (
    # Only root may look into a cloud's folders from outside; inside, they are mounted one by one.
    Folder(contract.ETC, mode=0o700),
    Folder("/etc/onestack/libvirt"),
    Folder(contract.LIB, mode=0o755),
    Folder("/var/lib/base"),
    Folder("/var/lib/tmp", mode=0o1777),
    Folder("/var/lib/cache"),
    Folder("/var/lib/mysql", "mysql", "mysql", 0o700),
    Folder("/var/lib/openvswitch", mode=0o700),
    Folder("/var/lib/ovn", mode=0o700),
    Folder("/var/lib/libvirt"),
    Folder(contract.KEYS, mode=0o700),
    Folder("/var/lib/glance", mode=0o700),
    Folder("/var/lib/placement", mode=0o700),
    Folder("/var/lib/nova"),
    # QEMU, another user, must reach the volumes' files; it may not list them.
    Folder("/var/lib/cinder", mode=0o711),
    Folder("/var/lib/neutron"),
    Folder("/var/lib/horizon", mode=0o700),
    Folder("/var/lib/octavia", mode=0o711),
    Folder(prometheus.FOLDER, "root", "prometheus", 0o750),
    Folder(prometheus.DATA, "prometheus", "prometheus", 0o700),
    Folder("/var/log", mode=0o750),
    Folder("/run", mode=0o755),
    Folder("/run/lock", mode=0o1777),
    Folder("/run/mysqld", "mysql", "mysql"),
    Folder("/run/openvswitch", mode=0o700),
    Folder("/run/ovn", mode=0o700),
    Folder("/run/libvirt"),
    Folder("/run/netns"),
    # The set-group-id bit gives the sockets made here to the front's group.
    Folder(contract.API_SOCKETS, "root", "haproxy", 0o2750),
    Folder("/run/front", "root", "root", 0o700),
    Folder("/run/octavia", mode=0o700),
)


def identities(file: Path) -> Mapping[str, int]:
    """Names and numbers of the base's /etc/passwd or /etc/group."""
    rows = (line.split(":") for line in file.read_text().splitlines() if line.count(":") >= 3)
    return {row[0]: int(row[2]) for row in rows}


def make(site: Site) -> None:
    """Make the folders; harmless when they are there."""
    users = identities(site.layout.base / "etc/passwd")
    groups = identities(site.layout.base / "etc/group")
    site.paths.lib.mkdir(parents=True, exist_ok=True)
    site.paths.lib.chmod(0o700)
    for folder in FOLDERS:
        place = site.outside(folder.path)
        place.mkdir(parents=True, exist_ok=True)
        os.chown(place, users[folder.owner], groups[folder.group])
        place.chmod(folder.mode)


def write(site: Site, files: Mapping[str, str]) -> None:
    """Write configuration files (path below /etc/onestack, or inside the namespace -> text), each replaced whole.

    Those under libvirt and front are read by processes that are not root or need nothing secret; the rest
    may hold passwords and is root's alone. What lies elsewhere has nothing secret, and is its users' to read.
    """
    for name, text in files.items():
        elsewhere = name.startswith("/")
        place = site.outside(name) if elsewhere else site.paths.etc / name
        place.parent.mkdir(parents=True, exist_ok=True)
        replace_private(place, text)
        if elsewhere:
            place.chmod(0o644)
