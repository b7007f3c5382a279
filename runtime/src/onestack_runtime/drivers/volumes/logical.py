"""Manages the machine's logical volumes from inside the cloud's mount namespace.

It uses the machine's own LVM (programs, locks, udev), which runs in the machine's mount namespace. Inside the cloud's
namespace, which contains none of the machine's disks, only volumes in use have a device node.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

PROGRAMS = (
    *("lvm", "lvs", "vgs", "pvs", "lvcreate", "lvchange", "lvdisplay", "lvextend", "lvremove", "lvrename"),
    *("lvconvert", "udevadm"),
)
"""The programs that Cinder's LVM driver runs."""
SECONDS = 60.0
DEVICES = Path("/dev/mapper")

Run = Callable[[Sequence[str]], str]


def machine() -> list[str]:
    """The command prefix that enters the machine's mount namespace: that of supervisord, this process's parent."""
    return ["nsenter", f"--mount=/proc/{os.getppid()}/ns/mnt", "--wdns=/", "--"]


def on_machine(argv: Sequence[str]) -> str:
    """Run one of the machine's programs; returns its output. Raises OSError with its error output."""
    done = subprocess.run(
        [*machine(), *argv],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise OSError(f"{argv[0]} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def install_wrappers(folder: Path) -> None:
    """Put wrappers of the machine's LVM programs into `folder`, and `folder` into this process's PATH."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for name in PROGRAMS:
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec {" ".join(machine())} {name} "$@"\n')
        script.chmod(0o755)
    folders = os.environ.get("PATH", os.defpath).split(":")
    os.environ["PATH"] = ":".join(dict.fromkeys([str(folder), *folders]))


def device(group: str, name: str, devices: Path = DEVICES) -> Path:
    """A logical volume's device node; device-mapper doubles the hyphens in both names."""
    return devices / f"{group.replace('-', '--')}-{name.replace('-', '--')}"


def show(group: str, name: str, *, run: Run = on_machine, devices: Path = DEVICES) -> str:
    """Create the volume's device node here, replacing a stale one; returns its path. Raises OSError."""
    number = _number(group, name, run)
    if number is None:
        # LVM skips the activation of thin snapshots otherwise.
        run(["lvchange", "--activate", "y", "--ignoreactivationskip", "--yes", f"{group}/{name}"])
        number = _number(group, name, run)
    if number is None:
        raise OSError(f"{group}/{name} has no device")
    node = device(group, name, devices)
    node.parent.mkdir(mode=0o755, exist_ok=True)
    try:
        existing = node.lstat()
        if stat.S_ISBLK(existing.st_mode) and existing.st_rdev == number:
            return str(node)
        node.unlink()
    except FileNotFoundError:
        pass
    os.mknod(node, stat.S_IFBLK | 0o600, number)
    return str(node)


def _number(group: str, name: str, run: Run) -> int | None:
    """The volume's device number; None while it is not active."""
    columns = "lv_kernel_major,lv_kernel_minor"
    output = run(["lvs", "--noheadings", "--separator", ":", "--options", columns, f"{group}/{name}"])
    numbers = re.fullmatch(r"\s*(-?\d+):(-?\d+)\s*", output)
    if numbers is None:
        raise OSError(f"lvs says of {group}/{name}: {output.strip()[:80]!r}")
    major, minor = int(numbers[1]), int(numbers[2])
    return None if major < 0 else os.makedev(major, minor)
