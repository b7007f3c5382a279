"""With Nova's own code, in the release's environment: guests' files are copied; the scheduler loads our filter."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from migration.conftest import write
from onestack.core import contract, data
from onestack.core.events import Event
from onestack.core.paths import Paths
from onestack.host import base, environment
from onestack.host.guest.inside import SHARED, inside

INSIDE = Path(__file__).with_name("inside")
# The root must be a mount point, as that of a cloud's namespace is; and what is written must not be in the cache.
ROOT = 'mount --rbind / /srv && mount -t tmpfs tmpfs /srv/var/lib && exec chroot /srv "$@"'


@pytest.fixture(scope="module")
def places() -> tuple[Path, Path]:
    """The base, and the release's environment."""
    series = data.releases()[-1]
    release, store = data.release(series), Paths.at().release(series)
    store.mkdir(parents=True, exist_ok=True)
    said: list[Event] = []
    return (
        base.ensure(release, store, said.append),
        environment.ensure(release / "requirements.txt", store, "openstack", said.append),
    )


def run(places: tuple[Path, Path], share: Path, program: str, *words: str) -> None:
    root, packages = places
    shutil.copy(INSIDE / f"{program}.py", share)
    argv = ["sh", "-c", ROOT, "sh", "python3", "-P", f"{SHARED}/{program}.py", *words]
    binds = {contract.ENVIRONMENT: packages, contract.RUNTIME: data.folder("runtime") / "src"}
    done = subprocess.run(
        inside(root, share, argv, binds),
        env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/tmp",
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": f"{contract.ENVIRONMENT}:{contract.RUNTIME}",
            contract.ETC_VARIABLE: f"{SHARED}/etc/c1",
            "RSYNC_RSH": f"python3 -P -m {contract.RSYNC_SHELL}",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-8000:]}"


@pytest.mark.cloud
def test_guests_files_are_copied(places: tuple[Path, Path], tmp_path: Path) -> None:
    write(tmp_path / "etc", Path(SHARED) / "etc")
    run(places, tmp_path, "copies")
