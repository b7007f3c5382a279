"""A root filesystem of a build that was killed is removed, with what the build had mounted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# In a mount namespace of its own, whatever becomes of the test. mmdebstrap mounts below /dev, not /dev itself.
_SCRIPT = """
import subprocess, sys
from pathlib import Path
from onestack.host.base import discard
tree = Path(sys.argv[1])
for place in ("dev/pts", "dev/shm", "dev/shm/deep", "proc"):
    (tree / place).mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(tree / place)], check=True)
discard(tree)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_what_a_killed_build_left_mounted_is_unmounted(tmp_path: Path) -> None:
    tree = tmp_path / "base.partial-1"
    namespace = ["unshare", "--mount", "--propagation", "private"]
    done = subprocess.run(
        [*namespace, sys.executable, "-c", _SCRIPT, str(tree)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not tree.exists()
