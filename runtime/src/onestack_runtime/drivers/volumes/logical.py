"""Logical volumes of the machine, made and seen from inside the cloud's namespace.

The machine's LVM works on them: its programs, its locks, its udev. They are run in its own mount namespace. Inside,
where nothing of the machine's disks is, only the volumes that are used have a device.
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
"""What Cinder's driver for LVM runs."""
SECONDS = 60.0
DEVICES = Path("/dev/mapper")

Run = Callable[[Sequence[str]], str]


def machine() -> list[str]:
    """What enters the machine's own mount namespace, where supervisord is, which started this process."""
    return ["nsenter", f"--mount=/proc/{os.getppid()}/ns/mnt", "--wdns=/", "--"]


def on_machine(argv: Sequence[str]) -> str:
    """Run one of the machine's programs; what it said. Raises OSError with its last words when it fails."""
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


def lend(folder: Path) -> None:
    """Let this process, and what it starts, find the machine's programs by their names."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for name in PROGRAMS:
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec {" ".join(machine())} {name} "$@"\n')
        script.chmod(0o755)
    there = os.environ.get("PATH", os.defpath).split(":")
    os.environ["PATH"] = ":".join(dict.fromkeys([str(folder), *there]))


def device(group: str, name: str, devices: Path = DEVICES) -> Path:
    """What device-mapper calls a logical volume."""
    return devices / f"{group.replace('-', '--')}-{name.replace('-', '--')}"


def show(group: str, name: str, *, run: Run = on_machine, devices: Path = DEVICES) -> str:
    """Have its device here, whatever was at this place before; its path. Raises OSError: there is no such volume."""
    number = _number(group, name, run)
    if number is None:
        # -K: thin snapshots are left out of activation otherwise.
        run(["lvchange", "--activate", "y", "--ignoreactivationskip", "--yes", f"{group}/{name}"])
        number = _number(group, name, run)
    if number is None:
        raise OSError(f"{group}/{name} has no device")
    place = device(group, name, devices)
    place.parent.mkdir(mode=0o755, exist_ok=True)
    try:
        there = place.lstat()
        if stat.S_ISBLK(there.st_mode) and there.st_rdev == number:
            return str(place)
        place.unlink()
    except FileNotFoundError:
        pass
    os.mknod(place, stat.S_IFBLK | 0o600, number)
    return str(place)


def _number(group: str, name: str, run: Run) -> int | None:
    """Its device number; None while it is not active."""
    columns = "lv_kernel_major,lv_kernel_minor"
    output = run(["lvs", "--noheadings", "--separator", ":", "--options", columns, f"{group}/{name}"])
    found = re.fullmatch(r"\s*(-?\d+):(-?\d+)\s*", output)
    if found is None:
        raise OSError(f"lvs says of {group}/{name}: {output.strip()[:80]!r}")
    major, minor = int(found[1]), int(found[2])
    return None if major < 0 else os.makedev(major, minor)
