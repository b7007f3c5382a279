"""A folder becomes a disk with a file system, without mounting anything; unused disks of before are removed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from onestack.host.command import run
from onestack.host.lock import held

GIB = 1024**3
BUILD_SECONDS = 3600.0
"""For mke2fs to copy a few GB; 35 s are usual."""


def key(words: Iterable[str]) -> str:
    """Eight digits that change with any of the words."""
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:8]


def make(folder: Path, target: Path, label: str, size: int) -> None:
    """Write the file `target`, a disk of `size` bytes that holds what is in `folder`; sparse."""
    partial = target.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with partial.open("wb") as disk:
        disk.truncate(size)
    # The file is new, so its blocks are zero: nothing is left for the kernel to initialise later.
    options = "lazy_itable_init=0,assume_storage_prezeroed=1"
    run(
        ["mke2fs", "-q", "-t", "ext4", "-E", options, "-L", label, "-d", str(folder), str(partial)],
        seconds=BUILD_SECONDS,
    )
    partial.rename(target)


def held_while(store: Path, what: str) -> AbstractContextManager[None]:
    """The lock under which something is built into the store."""
    return held(store / "building.lock", what, seconds=BUILD_SECONDS)


def remove_older(store: Path, kind: str, keep: Path) -> None:
    """Remove the disks (and folders) of a kind that have another key."""
    for found in store.glob(f"{kind}-*"):
        if found != keep:
            shutil.rmtree(found) if found.is_dir() else found.unlink()
