"""The observed state of a cloud's volumes, from Cinder, Nova, libvirt and the disk, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Volume:
    """A volume as Cinder reports it. `size`: GiB. `stale`: no process can be working on it any more, since all of
    them restarted after its last change. `file`: the name of its base file; `backend`: its file backend, None for
    other kinds of backend."""

    id: str
    name: str
    status: str
    size: int
    file: str
    backend: str | None
    stale: bool = False
    attachments: Mapping[str, str] = field(default_factory=dict)
    """Attachment -> server."""


@dataclass(frozen=True)
class Copy:
    """A snapshot or backup as Cinder reports it; `volume`: the id of its volume."""

    id: str
    name: str
    status: str
    volume: str
    stale: bool = False


@dataclass(frozen=True)
class Guest:
    """A libvirt domain. `disks`: volume -> (target, file it writes to)."""

    server: str
    running: bool
    disks: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Folder:
    """A file backend's folder. `files`: name -> (backing file, virtual size in bytes).
    `infos`: name of a volume's base file -> content of its info file."""

    path: str
    files: Mapping[str, tuple[str | None, int]]
    infos: Mapping[str, Mapping[str, str]]

    def of(self, volume: str) -> dict[str, str | None]:
        """The files of one volume."""
        names = (name for name in self.files if name == volume or name.startswith(f"{volume}."))
        return {name: self.files[name][0] for name in names}


@dataclass(frozen=True)
class Observation:
    """The whole observation. `servers`: server -> its volumes, as in Nova; `busy`: servers with a task state."""

    volumes: tuple[Volume, ...]
    snapshots: tuple[Copy, ...]
    backups: tuple[Copy, ...]
    servers: Mapping[str, frozenset[str]]
    busy: frozenset[str]
    guests: Mapping[str, Guest]
    folders: Mapping[str, Folder]
    unfinished: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    """(server, volume) of attachments that Nova has not completed -> whether they were interrupted: the process that
    worked on them is gone."""
    fake_driver: bool = False
    """Nova's fake driver: servers have no guests, so libvirt's state is meaningless."""
