"""Writes an initramfs archive (cpio, "newc" format).

Format: https://www.kernel.org/doc/html/latest/driver-api/early-userspace/buffer-format.html
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass

_MAGIC = b"070701"
_END = "TRAILER!!!"


@dataclass(frozen=True)
class Entry:
    """A file, folder or symlink, owned by root. `mode`: type and permissions; a symlink's data is its target."""

    mode: int
    data: bytes = b""

    @classmethod
    def file(cls, data: bytes, *, executable: bool = False) -> Entry:
        return cls(stat.S_IFREG | (0o755 if executable else 0o644), data)

    @classmethod
    def folder(cls, permissions: int = 0o755) -> Entry:
        return cls(stat.S_IFDIR | permissions)

    @classmethod
    def link(cls, target: str) -> Entry:
        return cls(stat.S_IFLNK | 0o777, target.encode())


def archive(tree: Mapping[str, Entry]) -> bytes:
    """The archive of a tree: path without leading slash -> entry. Parent folders are added; the result is
    reproducible."""
    whole = dict(tree)
    for path in tree:
        parts = path.split("/")[:-1]
        for count in range(1, len(parts) + 1):
            whole.setdefault("/".join(parts[:count]), Entry.folder())
    # Sorted, so that a folder comes before its content.
    records = [_record(number, path, whole[path]) for number, path in enumerate(sorted(whole), start=1)]
    return b"".join([*records, _record(0, _END, Entry(0))])


def _record(number: int, path: str, entry: Entry) -> bytes:
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    # ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
    fields = (number, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0, 0, 0, len(name), 0)
    header = _MAGIC + b"".join(b"%08X" % field for field in fields)
    return _padded(header + name) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
