"""A machine's capacity, as Nova will report it."""

from __future__ import annotations

from pathlib import Path

from onestack.host import facts


def size(folder: Path) -> tuple[int, int, int]:
    """This machine's; see `of_facts`."""
    return of_facts(facts.gather([folder]), folder)


def of_facts(gathered: facts.Facts, folder: Path) -> tuple[int, int, int]:
    """vCPUs, MiB of memory, and GiB of the file system of `folder`, which is among the facts."""
    return gathered.cpus, gathered.memory, gathered.disks[folder].size // 1024
