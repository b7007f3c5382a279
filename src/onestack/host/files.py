"""Files that are replaced atomically: a full disk or a kill leaves the old one."""

from __future__ import annotations

import os
from pathlib import Path


def replace_private(file: Path, text: str) -> None:
    """Write `text` to `file`, mode 0600, unless it has this content."""
    if file.exists() and file.read_text() == text:
        return
    partial = file.with_name(file.name + ".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    partial.rename(file)


def replace_file(file: Path, text: str) -> None:
    """Write `text` to `file`. It is not flushed to the disk: for what is written often, or again after a boot."""
    partial = file.with_suffix(".partial")
    partial.write_text(text)
    partial.rename(file)
