"""The tables busybox's modprobe reads say what the modules say of themselves."""

from __future__ import annotations

import lzma
from pathlib import Path

from onestack.host.guest import modules


def module(depends: str, *aliases: str) -> bytes:
    """Bytes that look like a module's .modinfo section."""
    info = [b"license=GPL", *(f"alias={alias}".encode() for alias in aliases), f"depends={depends}".encode()]
    return b"\x7fELF\0" + b"\0".join(info) + b"\0name=x\0"


FOUND = {
    "virtio_net": module("net_failover,virtio-ring", "virtio:d00000001v*"),
    "net_failover": module("failover"),
    "failover": module(""),
}


def test_dependencies_are_transitive_nearest_first_and_without_what_is_built_in() -> None:
    assert modules.dependencies(FOUND)["virtio_net"] == ["net_failover", "failover"]
    assert modules.modules_dep(FOUND) == (
        "failover.ko:\nnet_failover.ko: failover.ko\nvirtio_net.ko: net_failover.ko failover.ko\n"
    )


def test_one_needed_twice_comes_after_all_that_need_it() -> None:
    found = {"a": module("b,c"), "b": module("c"), "c": module("")}
    assert modules.dependencies(found)["a"] == ["b", "c"]


def test_aliases_name_the_module() -> None:
    assert modules.modules_alias(FOUND) == "alias virtio:d00000001v* virtio_net\n"


def test_modules_are_read_uncompressed_under_the_kernels_name(tmp_path: Path) -> None:
    (tmp_path / "virtio-rng.ko.xz").write_bytes(lzma.compress(b"one"))
    (tmp_path / "fat.ko").write_bytes(b"two")
    assert modules.load(tmp_path) == {"virtio_rng": b"one", "fat": b"two"}
