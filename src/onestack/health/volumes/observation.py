"""Observation of a cloud's volumes, as data: from Cinder, from Nova, from libvirt, from the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Volume:
    """A volume as Cinder reports it. `size`: GiB. `stale`: no process can be working on it any more: all that
    could have restarted since. `file`: what its files are called; `backend`: whose folder they are in, None for other
    kinds of backend."""

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
    """A snapshot or a backup as Cinder has it; `volume`: the id of its volume."""

    id: str
    name: str
    status: str
    volume: str
    stale: bool = False


@dataclass(frozen=True)
class Guest:
    """A domain of libvirt's. `disks`: volume -> (target, file it writes to)."""

    server: str
    running: bool
    disks: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Folder:
    """A file backend's folder. `files`: name -> (backing file, virtual size in bytes).
    `infos`: volume's file name -> what its info file says."""

    path: str
    files: Mapping[str, tuple[str | None, int]]
    infos: Mapping[str, Mapping[str, str]]

    def of(self, volume: str) -> dict[str, str | None]:
        """The files of one volume."""
        mine = (name for name in self.files if name == volume or name.startswith(f"{volume}."))
        return {name: self.files[name][0] for name in mine}


@dataclass(frozen=True)
class Observation:
    """The whole observation. `servers`: server -> its volumes, both in Nova; `busy`: servers with a task."""

    volumes: tuple[Volume, ...]
    snapshots: tuple[Copy, ...]
    backups: tuple[Copy, ...]
    servers: Mapping[str, frozenset[str]]
    busy: frozenset[str]
    guests: Mapping[str, Guest]
    folders: Mapping[str, Folder]
    unfinished: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    """Server and volume of attachments that Nova began -> whether they were interrupted: its process is gone."""
    fake_driver: bool = False
    """Nova's fake driver: servers have no guests, so libvirt's state is meaningless."""
