"""OneStack's source as a disk: a tar file, read as it is, so that each run has today's without building anything."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

from long.places import REPOSITORY

HOME = "root/onestack"
AGENT = Path(__file__).parents[1] / "inside/agent.py"
AGENT_THERE = "usr/local/lib/onestack-test/agent.py"
_BLOCK = 1024 * 1024


def write(target: Path) -> None:
    """Write the tar file: what git knows of this checkout, changes included, and the agent."""
    listed = subprocess.run(
        ["git", "-C", str(REPOSITORY), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    with tarfile.open(target, "w") as tar:
        for name in sorted(filter(None, listed.split("\0"))):
            if (REPOSITORY / name).exists():
                tar.add(REPOSITORY / name, f"{HOME}/{name}", recursive=False, filter=_roots)
        tar.add(AGENT, AGENT_THERE, filter=_roots)
    # A disk has whole blocks.
    size = target.stat().st_size
    with target.open("r+b") as disk:
        disk.truncate(-(-size // _BLOCK) * _BLOCK)


def _roots(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry
