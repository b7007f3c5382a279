"""The machine's system: Debian 13 with systemd and Debian's kernel, and OneStack's own environment for its Python.

The machine has no network, so what `./onestack` would fetch at its first call is fetched here, and put in place by
the launcher itself, in the new system, from a folder of wheels.
"""

from __future__ import annotations

import json
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from long.building import disk, source
from onestack.host import base
from onestack.host.archive import archive
from onestack.host.command import CLEAN, run
from onestack.host.environment import PYTHON, digest
from onestack.host.guest.inside import SHARED, inside

PACKAGES = (
    *("systemd-sysv", "udev", "dbus", "linux-image-amd64", "initramfs-tools", "zstd", "kmod"),
    *("iproute2", "procps", "ca-certificates", "curl", "python3", "python3-venv"),
    *("lvm2", "thin-provisioning-tools"),
)
"""What a plain Debian server has, `python3-venv`, and what volumes in a volume group need of it."""
SIZE = 16 * disk.GIB
FILES = Path(__file__).parents[1] / "inside"
"""What is put into the system: `etc/…`; the agent comes with the source."""
HOME = "root/onestack"
"""The clone of OneStack there."""
MIRROR_SECONDS = 3600.0


@dataclass(frozen=True)
class System:
    """The disk, and what QEMU boots it with."""

    disk: Path
    kernel: Path
    initrd: Path


def key() -> str:
    """Changes with what the system is made of; the versions of Debian's packages are those of the day it is built."""
    project = tomllib.loads((source.REPOSITORY / "pyproject.toml").read_text())
    installed = [json.dumps(project[part], sort_keys=True) for part in ("project", "build-system")]
    files = (FILES / "etc", source.REPOSITORY / "locks/tool.txt", source.REPOSITORY / "onestack")
    return disk.key([*PACKAGES, str(SIZE), *installed, *map(digest, files)])


def ensure(store: Path) -> System:
    """The system, built unless it is there with the same key."""
    folder = store / f"system-{key()}"
    made = System(folder / "system.raw", folder / "vmlinuz", folder / "initrd.img")
    with disk.held_while(store, "building the machine's system"):
        if not made.initrd.exists():
            disk.remove_older(store, "system", folder)
            folder.mkdir(exist_ok=True)
            tree = folder / "tree"
            base.discard(tree)
            try:
                bootstrap(tree)
                install_tool(tree, folder)
                disk.make(tree, made.disk, "system", SIZE)
                shutil.copyfile(next((tree / "boot").glob("vmlinuz-*")), made.kernel)
                shutil.copyfile(next((tree / "boot").glob("initrd.img-*")), made.initrd)
            finally:
                base.discard(tree)
    return made


def bootstrap(tree: Path) -> None:
    """The system itself, from the archive that the base comes from too."""
    run(
        base.command(tree, PACKAGES, [], archive() or []),
        seconds=MIRROR_SECONDS,
        log=tree.parent / "mmdebstrap.log",
    )
    shutil.copytree(FILES / "etc", tree / "etc", dirs_exist_ok=True)
    # Not "uninitialized": the first boot asks nobody anything.
    (tree / "etc/machine-id").write_text("")
    for unit in ("systemd-networkd.service", "onestack-test-agent.service"):
        run(["chroot", str(tree), "systemctl", "enable", unit])
    # Only the log of the boot is wanted of that port.
    run(["chroot", str(tree), "systemctl", "mask", "serial-getty@ttyS0.service"])


def install_tool(tree: Path, folder: Path) -> None:
    """Have the launcher make the tool's environment in the new system, offline."""
    wheels = folder / "wheels"
    lock = source.REPOSITORY / "locks/tool.txt"
    run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"),
            *("--only-binary", ":all:", "--python-version", PYTHON, "--dest", str(wheels), "-r", str(lock)),
        ],
        seconds=MIRROR_SECONDS,
    )
    source.write(folder / "source.tar")
    run(["tar", "-xf", str(folder / "source.tar"), "-C", str(tree)])
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": SHARED, "UV_OFFLINE": "1", "UV_FIND_LINKS": SHARED}
    launch = [
        "env",
        *(f"{name}={value}" for name, value in offline.items()),
        f"/{HOME}/onestack",
        "--version",
    ]
    run(
        inside(tree, wheels, launch),
        seconds=MIRROR_SECONDS,
        environment={"HOME": "/root", **CLEAN},
        inherit=False,
    )
    # The environment stays; the source of each run comes on a disk of its own.
    for entry in (tree / HOME).iterdir():
        if entry.name != ".venv":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    shutil.rmtree(tree / "root/.cache", ignore_errors=True)
    shutil.rmtree(wheels)
    (folder / "source.tar").unlink()
