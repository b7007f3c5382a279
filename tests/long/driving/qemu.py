"""QEMU's command line, and its process: from the base, without a network, ended with us however we end."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from long.building.disk import GIB
from long.building.system import System
from onestack.host.command import run
from onestack.host.guest.inside import SHARED, inside

MEMORY = 8 * 1024
"""MiB."""
PROCESSORS = 2
AGENT, CONSOLE = "agent.sock", "console.log"
"""In the run's folder: the socket to the agent, what kernel and systemd say."""
SPARE = "spare.raw"
"""An empty disk, for a volume group."""
SPARE_SIZE = 8 * GIB
_STORE = "/srv"
"""Where the images' folder is, in QEMU's namespace; the run's folder is at SHARED."""


def overlay(base: Path, store: Path, folder: Path, image: Path, name: str) -> None:
    """Make a disk of this run whose content is that of an image in the store: the image stays as it is."""
    backing = f"{_STORE}/{image.relative_to(store)}"
    make = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", backing, f"{SHARED}/{name}"]
    run(inside(base, folder, make, {_STORE: store}))


_KERNEL = (
    "root=LABEL=system rw console=ttyS0 systemd.show_status=true systemd.log_target=journal",
    # What costs much in an emulated processor, and is not what is tried here.
    "mitigations=off tsc=reliable",
)


def command(system: System, store: Path) -> list[str]:
    """The command line, in QEMU's namespace."""
    return [
        *("qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max,la57=off"),
        *("-smp", str(PROCESSORS), "-m", str(MEMORY), "-nodefaults", "-display", "none"),
        *("-kernel", f"{_STORE}/{system.kernel.relative_to(store)}"),
        *("-initrd", f"{_STORE}/{system.initrd.relative_to(store)}"),
        *("-append", " ".join(_KERNEL)),
        *("-serial", f"file:{SHARED}/{CONSOLE}"),
        *_disk("system", f"{SHARED}/system.qcow2", "qcow2"),
        *_disk("parts", f"{SHARED}/parts.qcow2", "qcow2"),
        *_disk("source", f"{SHARED}/source.tar", "raw", "read-only=on"),
        *_disk("spare", f"{SHARED}/{SPARE}", "raw"),
        # It has an interface and an address as any machine has, but nothing answers there.
        *("-netdev", "user,id=net,restrict=on", "-device", "virtio-net-pci,netdev=net"),
        *("-device", "virtio-rng-pci", "-device", "virtio-serial-pci"),
        *("-chardev", f"socket,id=agent,path={SHARED}/{AGENT},server=on,wait=off"),
        *("-device", "virtserialport,chardev=agent,name=onestack.agent"),
    ]


def _disk(name: str, file: str, form: str, *more: str) -> list[str]:
    # The run's disks are thrown away: nothing of them need outlive this machine.
    drive = ",".join([f"id={name}", f"file={file}", f"format={form}", "if=none", "cache=unsafe", *more])
    return ["-drive", drive, "-device", f"virtio-blk-pci,drive={name},serial={name}"]


def start(base: Path, store: Path, folder: Path, argv: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start it with low priority; what it says goes to `qemu.log`."""
    politely = ["nice", "-n", "10", "setpriv", "--pdeathsig", "KILL"]
    with (folder / "qemu.log").open("wb") as log:
        return subprocess.Popen(
            [*politely, *inside(base, folder, argv, {_STORE: store})],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
