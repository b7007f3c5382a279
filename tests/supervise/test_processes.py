"""Which processes belong to a cloud: by its /run or by its supervisord, and not those of a cloud in a container."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from onestack.core.wait import until
from onestack.host import processes

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="mounts need root")


def test_what_its_supervisord_started_is_the_clouds_wherever_it_runs(tmp_path: Path) -> None:
    server = f"unix://{tmp_path}/supervisor.sock"
    child = subprocess.Popen(["sleep", "60"], env={**os.environ, "SUPERVISOR_SERVER_URL": server})
    try:
        assert child.pid in {each.pid for each in processes.of_cloud(tmp_path)}
        assert child.pid not in {each.pid for each in processes.of_cloud(tmp_path / "other")}
        assert child.pid not in {each.pid for each in processes.inside(tmp_path)}
    finally:
        child.kill()
        child.wait()


ROOT = """
mount -t tmpfs root /mnt
mkdir /mnt/usr /mnt/run
mount --bind /usr /mnt/usr
for each in bin lib lib64; do ln -s usr/$each /mnt/$each; done
"""
"""Makes /mnt another root directory, in a mount namespace of its own."""


@contextmanager
def in_another_root(server: str, prepare: str = "") -> Iterator[int]:
    """A process of the supervisord at `server` with another root directory, which `prepare` completes at /mnt."""
    script = f"{ROOT}{prepare}\nexec chroot /mnt sleep 60"
    words = ["unshare", "--mount", "--propagation=private", "sh", "-ec", script]
    child = subprocess.Popen(words, env={**os.environ, "SUPERVISOR_SERVER_URL": server})
    try:
        program = Path(f"/proc/{child.pid}/comm")
        until(
            "the process to run", lambda: (program.read_text() == "sleep\n", program.read_text()), seconds=10
        )
        yield child.pid
    finally:
        child.kill()
        child.wait()


@needs_root
def test_a_containers_cloud_with_the_same_address_is_not_ours(tmp_path: Path) -> None:
    server = f"unix://{tmp_path}/supervisor.sock"
    with in_another_root(server) as pid:
        assert pid not in {each.pid for each in processes.of_cloud(tmp_path)}


@needs_root
def test_a_cloud_whose_folder_was_deleted_is_still_found(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    server = f"unix://{folder}/supervisor.sock"
    with in_another_root(server, f"mount --bind {folder} /mnt/run") as pid:
        assert pid in {each.pid for each in processes.inside(folder)}
        folder.rmdir()
        assert pid in {each.pid for each in processes.of_cloud(folder)}
