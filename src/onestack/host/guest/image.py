"""Builds the guest's image: an initramfs from the base's programs and our scripts, on a bootable disk.

One disk, instead of separate kernel and ramdisk, so that snapshots, volumes and rescue work as with any image. It
needs neither a loop device nor a mount: mtools and syslinux write into the file.
"""

from __future__ import annotations

import gzip
import struct
import tempfile
from pathlib import Path

from onestack.core.errors import PermanentError
from onestack.host.command import run
from onestack.host.guest import modules
from onestack.host.guest.cpio import Entry, archive
from onestack.host.guest.inside import SHARED, inside
from onestack.host.guest.parts import (
    BOOT_SECTOR,
    BUSYBOX,
    FILES,
    KERNEL,
    KERNEL_RELEASE,
    MODULES,
    PROGRAMS,
    ROOTFS,
    WEB_CGI,
)

BOOT_FILES = ("vmlinuz", "initramfs")
"""The files that `boot_files` writes: enough for QEMU's -kernel and -initrd."""

_SECTOR = 512
_MIB = 1024 * 1024
_BOOT_START = 1 * _MIB
_BOOT_SIZE = 23 * _MIB
_DISK_SIZE = 64 * _MIB
"""The size of the disk. On the first boot, the root file system takes all space after the boot partition: this much
with a flavor without a disk, more on larger disks."""
_SIGNATURE = b"1STK"
"""files/rootfs/init recognises its own disk by it."""
_FOLDERS = (
    "dev",
    "proc",
    "sys",
    "run",
    "new",
    "mnt",
    "media",
    "root",
    "home/tiny",
    "var/log",
    "var/www",
    "var/lib",
)
_FAT, _UNFINISHED = 0x0E, 0xDA


def build(base: Path, out: Path) -> None:
    """Write the guest's disk image (qcow2) to `out`. Raises PermanentError if the base lacks a part, CommandFailed
    if a tool fails."""
    with tempfile.TemporaryDirectory(prefix="onestack-guest-") as scratch:
        work = Path(scratch)
        boot_files(base, work)
        (work / "syslinux.cfg").write_bytes((FILES / "syslinux.cfg").read_bytes())
        with (work / "disk").open("wb") as disk:
            disk.truncate(_DISK_SIZE)
        for argv in _boot_partition():
            run(inside(base, work, argv), seconds=60, patient=True)
        with (work / "disk").open("r+b") as disk:
            disk.write(boot_record((base / BOOT_SECTOR).read_bytes()))
        qcow2 = ["qemu-img", "convert", "-O", "qcow2", f"{SHARED}/disk", f"{SHARED}/disk.qcow2"]
        run(inside(base, work, qcow2), seconds=60, patient=True)
        partial = out.with_name(f"{out.name}.partial")
        partial.write_bytes((work / "disk.qcow2").read_bytes())
        partial.replace(out)


def boot_files(base: Path, folder: Path) -> None:
    """Write only the kernel and the initramfs into `folder` (see BOOT_FILES)."""
    missing = [
        part
        for part in (KERNEL, KERNEL_RELEASE, MODULES, BOOT_SECTOR, BUSYBOX, *PROGRAMS, WEB_CGI)
        if not (base / part).exists()
    ]
    if missing:
        raise PermanentError(
            f"the base lacks {missing[0]}, which the tiny guest needs",
            where=str(base),
            hint="remove the base and run `onestack up` again, which rebuilds it",
        )
    (folder / "vmlinuz").write_bytes((base / KERNEL).read_bytes())
    (folder / "initramfs").write_bytes(gzip.compress(archive(tree(base)), compresslevel=6, mtime=0))


def tree(base: Path) -> dict[str, Entry]:
    """The guest's file tree: path without leading slash -> entry."""
    # Later entries override earlier ones, so our own files are last.
    whole: dict[str, Entry] = {name: Entry.folder() for name in _FOLDERS}
    whole |= {"tmp": Entry.folder(0o1777), "bin/busybox": _program(base / BUSYBOX)}
    for applet in run([str(base / BUSYBOX), "--list-full"]).split():
        if applet not in ("bin/busybox", "linuxrc"):
            whole[applet] = Entry.link("/bin/busybox")
    for program in PROGRAMS:
        whole[f"sbin/{program.name}"] = _program(base / program)
    whole["lib/lighttpd/mod_cgi.so"] = Entry.file((base / WEB_CGI).read_bytes())
    for library in libraries(base):
        whole[library] = _program(base / library)
    kernel = (base / KERNEL_RELEASE).read_text().strip()
    found = modules.load(base / MODULES)
    whole |= {f"lib/modules/{kernel}/{name}.ko": Entry.file(data) for name, data in found.items()}
    whole[f"lib/modules/{kernel}/modules.dep"] = Entry.file(modules.modules_dep(found).encode())
    whole[f"lib/modules/{kernel}/modules.alias"] = Entry.file(modules.modules_alias(found).encode())
    for name in ("ext2", "ext3", "ext4", "vfat"):
        whole[f"sbin/mkfs.{name}"] = Entry.link("mkfs")
    # Our own pages, served in addition to those that users put into /var/www (etc/lighttpd.conf).
    for name, target in (
        ("page", "/run/guest/page"),
        ("health", "/lib/guest/health"),
        ("burn", "/lib/guest/burn"),
    ):
        whole[f"var/www/.{name}"] = Entry.link(target)
    for path in sorted(ROOTFS.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            whole[str(path.relative_to(ROOTFS))] = Entry.file(data, executable=data.startswith(b"#!"))
    return whole


def libraries(base: Path) -> list[str]:
    """The shared libraries of PROGRAMS, and their loader, as paths inside the base."""
    loader = "lib64/ld-linux-x86-64.so.2"
    # The base's own loader lists them, so that this machine's C library is not involved.
    path = f"{base}/usr/lib/x86_64-linux-gnu"
    found = {loader}
    for program in PROGRAMS:
        output = run([str(base / loader), "--library-path", path, "--list", str(base / program)])
        for line in output.splitlines():
            name = line.split()[0]
            if "=>" in line and not name.startswith("/"):
                found.add(f"lib/x86_64-linux-gnu/{name}")
    return sorted(found)


def boot_record(code: bytes) -> bytes:
    """The first sector: boot code, our signature, and a partition table with the boot partition (FAT) and the
    system's, whose type says that it is not formatted yet."""
    disk = _DISK_SIZE // _SECTOR
    boot, system = _BOOT_START // _SECTOR, (_BOOT_START + _BOOT_SIZE) // _SECTOR
    table = _partition(0x80, _FAT, boot, system - boot) + _partition(0, _UNFINISHED, system, disk - system)
    return code[:440].ljust(440, b"\0") + _SIGNATURE + b"\0\0" + table.ljust(64, b"\0") + b"\x55\xaa"


def _partition(flag: int, kind: int, start: int, size: int) -> bytes:
    # Cylinders, heads and sectors are obsolete; this value means: use the linear address.
    beyond = b"\xfe\xff\xff"
    return bytes([flag]) + beyond + bytes([kind]) + beyond + struct.pack("<II", start, size)


def _boot_partition() -> list[list[str]]:
    """The commands that create the boot partition's file system inside the disk's file, in order."""
    disk = f"{SHARED}/disk"
    part = f"{disk}@@{_BOOT_START}"
    geometry = ["-h", "255", "-s", "63", "-T", str(_BOOT_SIZE // _SECTOR), "-H", str(_BOOT_START // _SECTOR)]
    files = [f"{SHARED}/{name}" for name in (*BOOT_FILES, "syslinux.cfg")]
    return [
        ["mformat", "-i", part, "-v", "ONESTACK", "-N", "1570c4", *geometry, "::"],
        ["mcopy", "-i", part, *files, "::"],
        ["syslinux", "--install", "--offset", str(_BOOT_START), disk],
    ]


def _program(path: Path) -> Entry:
    return Entry.file(path.read_bytes(), executable=True)
