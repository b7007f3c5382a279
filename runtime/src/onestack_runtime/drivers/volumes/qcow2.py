"""Reads a qcow2 file's header: its virtual size and backing file, without a run of qemu-img."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from onestack_runtime import contract

_HEADER = struct.Struct(contract.QCOW2_HEADER)


class NotQcow2(ValueError):
    """The file is not a qcow2 image."""


@dataclass(frozen=True)
class Header:
    """`size`: the virtual size, bytes. `backing`: the backing file's name, as written in the header."""

    size: int
    backing: str | None


def header(path: str | Path) -> Header:
    """Read a file's header. Raises NotQcow2, OSError."""
    with Path(path).open("rb") as file:
        raw = file.read(_HEADER.size)
        if len(raw) < _HEADER.size or raw[:4] != contract.QCOW2_MAGIC:
            raise NotQcow2(f"{path} is not a qcow2 image")
        _, _, offset, length, _, size = _HEADER.unpack(raw)
        if not offset:
            return Header(size, None)
        file.seek(offset)
        return Header(size, file.read(length).decode())
