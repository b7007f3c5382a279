"""The guest's lsblk: what test suites read of it, on a pretended /sys."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from onestack.host.guest.parts import ROOTFS

MIB = 2048
"""Sectors."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system with a disk of two partitions, a volume, a SCSI disk, a CD drive and an empty loop device."""
    place = tmp_path / "root"

    def device(name: str, number: str, size: int, **more: str) -> Path:
        folder = place / "sys/block" / name
        folder.mkdir(parents=True)
        for file, text in {"dev": number, "size": str(size), "ro": "0", "removable": "0", **more}.items():
            # The kernel ends each of them with a newline but virtio's serial number.
            (folder / file).write_text(text if file == "serial" else f"{text}\n")
        return folder

    device("vda", "254:0", 64 * MIB)
    device("vda/vda1", "254:1", 23 * MIB, partition="1")
    device("vda/vda2", "254:2", 40 * MIB, partition="2")
    device("vdb", "254:16", 1024 * MIB, serial="83679162-1378-4288-a")
    scsi = device("sda", "8:0", 3 * 512 * MIB)
    target = place / "sys/devices/scsi/0:0:0:3"
    target.mkdir(parents=True)
    (scsi / "device").symlink_to(target)
    (target / "vendor").write_text("QEMU    \n")
    (target / "model").write_text("QEMU HARDDISK   \n")
    (target / "rev").write_text("2.5+\n")
    device("sr0", "11:0", 300, removable="1", ro="1")
    device("loop0", "7:0", 0)
    (place / "proc").mkdir()
    (place / "proc/mounts").write_text(
        "/dev/vda2 / ext4 rw 0 0\nproc /proc proc rw 0 0\n/dev/vdb /mnt ext4 rw 0 0\n"
    )
    return place


def lsblk(root: Path, *words: str, status: int = 0) -> str:
    script = (ROOTFS / "bin/lsblk").read_text().replace("/lib/guest/", f"{ROOTFS}/lib/guest/")
    done = subprocess.run(
        ["sh", "-c", script, "lsblk", "--sysroot", str(root), *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done.stdout or done.stderr


def disks_as_tempest_reads_them(said: str) -> list[str]:
    """tempest.common.utils.linux.remote_client.RemoteClient.get_disks and list_disks."""
    at = None
    found = []
    for line in said.splitlines():
        if at is None and line.find("TYPE") > 0:
            at = line.find("TYPE")
        elif at is not None and line[at : at + 4] == "disk":
            found.append(line.split()[0])
    return found


def test_tempest_counts_every_disk_and_nothing_else(root: Path) -> None:
    assert disks_as_tempest_reads_them(lsblk(root, "-lb", "--nodeps")) == ["sda", "vda", "vdb"]


def test_the_table_is_util_linuxs(root: Path) -> None:
    assert lsblk(root, "-lb", "--nodeps").splitlines() == [
        "NAME MAJ:MIN RM       SIZE RO TYPE MOUNTPOINTS",
        "sda  8:0      0 1610612736  0 disk ",
        "sr0  11:0     1     153600  1 rom  ",
        "vda  254:0    0   67108864  0 disk ",
        "vdb  254:16   0 1073741824  0 disk /mnt",
    ]


def test_partitions_hang_from_their_disk(root: Path) -> None:
    assert lsblk(root).splitlines() == [
        "NAME   MAJ:MIN RM SIZE RO TYPE MOUNTPOINTS",
        "sda    8:0      0 1.5G  0 disk ",
        "sr0    11:0     1 150K  1 rom  ",
        "vda    254:0    0  64M  0 disk ",
        "|-vda1 254:1    0  23M  0 part ",
        "`-vda2 254:2    0  40M  0 part /",
        "vdb    254:16   0   1G  0 disk /mnt",
    ]


def test_columns_are_chosen(root: Path) -> None:
    assert lsblk(root, "--nodeps", "--noheadings", "--output", "NAME").split() == ["sda", "sr0", "vda", "vdb"]
    assert lsblk(root, "-rno", "name,serial,type", "/dev/vdb") == "vdb 83679162-1378-4288-a disk\n"
    assert lsblk(root, "-rno", "NAME,PKNAME", "vda1") == "vda1 vda\n"
    assert lsblk(root, "-lnpo", "NAME", "/dev/vda").split() == ["/dev/vda", "/dev/vda1", "/dev/vda2"]


def test_scsi_devices_are_listed_with_their_places(root: Path) -> None:
    said = lsblk(root, "-S")
    assert said.splitlines()[0].split() == [
        "NAME",
        "HCTL",
        "TYPE",
        "VENDOR",
        "MODEL",
        "REV",
        "SERIAL",
        "TRAN",
    ]
    assert "\nsda  0:0:0:3 disk QEMU" in said
    assert "vda" not in said


def test_file_systems_are_not_known_but_asking_is_no_error(root: Path) -> None:
    assert "FSTYPE" in lsblk(root, "--fs", "--ascii")


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("-Z",), 1, "invalid option -- 'Z'"),
        (("--nonsense",), 1, "unrecognized option '--nonsense'"),
        (("-o", "COLOUR"), 1, "unknown column: COLOUR"),
        (("-o",), 1, "requires an argument"),
        (("/dev/vdz",), 32, "vdz: not a block device"),
    ],
)
def test_what_it_does_not_know_is_an_error(
    root: Path, words: tuple[str, ...], status: int, said: str
) -> None:
    assert said in lsblk(root, *words, status=status)
