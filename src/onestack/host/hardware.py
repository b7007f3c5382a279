"""This machine's capacity, as Nova will report it."""

from __future__ import annotations

import shutil
from pathlib import Path

from onestack.host import facts


def size(folder: Path) -> tuple[int, int, int]:
    """vCPUs, MiB of memory, and GiB of the file system of `folder`, which need not exist yet."""
    host_facts = facts.gather()
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    return host_facts.cpus, host_facts.memory, shutil.disk_usage(existing).total // 2**30
