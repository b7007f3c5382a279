"""Logical volumes of the machine, seen from inside: the device that LVM names now, made when it is needed."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from onestack_runtime.drivers.volumes import logical


class Machine:
    """The machine's LVM: which volume has which number, and which are not active."""

    def __init__(self, number: tuple[int, int], *, active: bool = True) -> None:
        self.number, self.active = number, active
        self.asked: list[str] = []

    def run(self, argv: Sequence[str]) -> str:
        self.asked.append(argv[0])
        assert argv[-1] == "vg-1/volume-a"
        if argv[0] == "lvchange":
            self.active = True
            return ""
        major, minor = self.number if self.active else (-1, -1)
        return f"  {major}:{minor}\n"


def test_its_device_has_the_name_that_device_mapper_gives_it() -> None:
    assert logical.device("vg-1", "_snapshot-b") == Path("/dev/mapper/vg--1-_snapshot--b")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_is_made_and_made_anew_when_its_number_changed(tmp_path: Path) -> None:
    machine = Machine((253, 4))
    place = Path(logical.show("vg-1", "volume-a", run=machine.run, devices=tmp_path))
    made = place.stat()
    assert (stat.S_ISBLK(made.st_mode), made.st_rdev, made.st_mode & 0o777) == (
        True,
        os.makedev(253, 4),
        0o600,
    )
    os.chown(place, 64055, 64055)  # libvirt lends it to QEMU
    logical.show("vg-1", "volume-a", run=machine.run, devices=tmp_path)
    assert place.stat().st_uid == 64055, "the same device is left as it is"
    machine.number = (253, 9)
    logical.show("vg-1", "volume-a", run=machine.run, devices=tmp_path)
    assert place.stat().st_rdev == os.makedev(253, 9)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_one_that_is_not_active_is_activated(tmp_path: Path) -> None:
    machine = Machine((253, 4), active=False)
    logical.show("vg-1", "volume-a", run=machine.run, devices=tmp_path)
    assert machine.asked == ["lvs", "lvchange", "lvs"]


def test_what_is_no_answer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="lvs says of vg/name: 'Failed to find"):
        logical.show("vg", "name", run=lambda argv: "Failed to find it", devices=tmp_path)


def test_programs_are_lent_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is the machine's own, with all that it was given. (What enters the machine's namespace is replaced.)"""
    monkeypatch.setattr(logical, "machine", lambda: ["env", f"PATH={tmp_path / 'machine'}"])
    monkeypatch.setenv("PATH", os.environ["PATH"])
    real = tmp_path / "machine/lvs"
    real.parent.mkdir()
    real.write_text('#!/bin/sh\necho "machine: $*"\n')
    real.chmod(0o755)
    logical.install_wrappers(tmp_path / "lent")
    done = subprocess.run(["lvs", "--units", "g  b"], capture_output=True, text=True, check=True)
    assert done.stdout == "machine: --units g  b\n"
