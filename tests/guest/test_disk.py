"""The disk's first sector, the recipe for the base, and the way into it, as data."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from onestack.core.errors import PermanentError
from onestack.host import guest
from onestack.host.guest.image import boot_files, boot_record
from onestack.host.guest.inside import inside
from onestack.host.guest.parts import FILES, ROOTFS

SECTORS = 64 * 1024 * 1024 // 512


def test_the_table_has_a_boot_partition_and_room_for_the_system() -> None:
    sector = boot_record(b"\x90" * 440)
    assert len(sector) == 512
    assert sector[:440] == b"\x90" * 440
    assert sector[510:] == b"\x55\xaa"
    first, second = (struct.unpack("<B3xB3xII", sector[at : at + 16]) for at in (446, 462))
    assert first[:2] == (0x80, 0x0E)
    assert second[:2] == (0x00, 0xDA)
    assert first[2] + first[3] == second[2]
    assert second[2] + second[3] == SECTORS


def test_the_guest_reads_the_table_where_it_is_written() -> None:
    sector = boot_record(b"")
    init = (ROOTFS / "init").read_text()
    assert sector[440:444].decode() in init
    for offset, meaning in ((466, "type"), (470, "start"), (474, "size")):
        assert str(offset) in init, meaning


def test_the_recipe_does_not_depend_on_where_this_program_lies() -> None:
    assert guest.hooks()
    assert not any(str(Path(guest.__file__).parent) in hook for hook in guest.hooks())


def test_the_base_needs_the_guests_programs_and_its_boot_loader() -> None:
    assert {"busybox-static", "dropbear-bin", "mtools", "syslinux"} <= set(guest.packages())


def test_what_is_run_in_the_base_ends_with_who_ran_it() -> None:
    argv = inside(Path("/base"), Path("/share"), ["true"])
    assert {"--mount", "--pid", "--kill-child"} <= set(argv)
    assert argv[argv.index("--propagation") + 1] == "private"
    assert argv[-5:] == ["sh", str(FILES / "enter.sh"), "/base", "/share", "true"]


def test_a_base_without_the_parts_is_told_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(PermanentError) as caught:
        boot_files(tmp_path, tmp_path)
    assert "usr/share/onestack/guest/vmlinuz" in caught.value.summary
    assert caught.value.hint
