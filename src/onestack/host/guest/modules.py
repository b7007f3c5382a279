"""Kernel modules for busybox's modprobe: uncompressed (decompression takes an emulated processor seconds), with the
two tables that `depmod` would create."""

from __future__ import annotations

import lzma
import re
from collections.abc import Mapping
from pathlib import Path


def load(folder: Path) -> dict[str, bytes]:
    """Module name (with underscores, as in the kernel) -> its content."""
    found: dict[str, bytes] = {}
    for path in sorted(folder.glob("*.ko*")):
        data = path.read_bytes()
        name = path.name.split(".ko")[0].replace("-", "_")
        found[name] = lzma.decompress(data) if path.suffix == ".xz" else data
    return found


def values(module: bytes, key: str) -> list[str]:
    """The values of `key` in a module's .modinfo section."""
    pattern = rb"(?<=\0)" + re.escape(key.encode()) + rb"=([^\0]*)(?=\0)"
    return [match.decode() for match in re.findall(pattern, b"\0" + module)]


def dependencies(modules: Mapping[str, bytes]) -> dict[str, list[str]]:
    """The modules that must be loaded before each module, in depmod's order: nearest first.

    A dependency that is not among `modules` is built into the kernel.
    """
    direct = {
        name: [
            other.replace("-", "_")
            for line in values(data, "depends")
            for other in line.split(",")
            if other.replace("-", "_") in modules
        ]
        for name, data in modules.items()
    }

    def closure(name: str) -> list[str]:
        wanted: list[str] = []
        for other in direct[name]:
            for each in [other, *closure(other)]:
                if each in wanted:
                    wanted.remove(each)
                wanted.append(each)
        return wanted

    return {name: closure(name) for name in modules}


def modules_dep(modules: Mapping[str, bytes]) -> str:
    """The text of modules.dep; every module is beside it as NAME.ko."""
    needed = dependencies(modules)
    lines = [f"{name}.ko: " + " ".join(f"{other}.ko" for other in needed[name]) for name in sorted(modules)]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def modules_alias(modules: Mapping[str, bytes]) -> str:
    """The text of modules.alias."""
    lines = [f"alias {alias} {name}" for name in sorted(modules) for alias in values(modules[name], "alias")]
    return "".join(f"{line}\n" for line in lines)
