"""The initramfs is a well-formed newc archive that the kernel unpacks in order."""

from __future__ import annotations

import stat

from onestack.host.guest.cpio import Entry, archive


def read(data: bytes) -> list[tuple[str, int, bytes]]:
    """Name, mode and content of each record, checked as strictly as the kernel does."""
    found, at = [], 0
    while True:
        assert at % 4 == 0
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = data[at + 110 : at + 110 + name_size]
        assert name.endswith(b"\0")
        at += -(-(110 + name_size) // 4) * 4
        content = data[at : at + size]
        assert len(content) == size
        at += -(-size // 4) * 4
        if name == b"TRAILER!!!\0":
            assert at == len(data)
            return found
        found.append((name[:-1].decode(), mode, content))


def test_files_links_and_folders_are_kept() -> None:
    records = read(
        archive(
            {
                "bin/sh": Entry.link("busybox"),
                "init": Entry.file(b"#!/bin/sh\n", executable=True),
                "etc/hosts": Entry.file(b"x"),
                "tmp": Entry.folder(0o1777),
            }
        )
    )
    assert {name: (mode, content) for name, mode, content in records} == {
        "bin": (stat.S_IFDIR | 0o755, b""),
        "bin/sh": (stat.S_IFLNK | 0o777, b"busybox"),
        "etc": (stat.S_IFDIR | 0o755, b""),
        "etc/hosts": (stat.S_IFREG | 0o644, b"x"),
        "init": (stat.S_IFREG | 0o755, b"#!/bin/sh\n"),
        "tmp": (stat.S_IFDIR | 0o1777, b""),
    }


def test_a_folder_comes_before_what_is_in_it() -> None:
    names = [name for name, _, _ in read(archive({"a/b/c": Entry.file(b""), "a-b": Entry.file(b"")}))]
    assert names.index("a") < names.index("a/b") < names.index("a/b/c")


def test_the_same_tree_gives_the_same_bytes() -> None:
    one = {"b": Entry.file(b"1"), "a": Entry.file(b"22")}
    assert archive(one) == archive(dict(reversed(one.items())))
