"""Copies the disks of running guests as of one moment, while the guests go on.

libvirt's backup job has QEMU copy what a block held before the guest overwrites it (copy before write), so that the
copy of all disks of a guest is of the moment when the job began: what the guest's file systems find after a power
cut. The copies are whole disks. What the disk's backing file has already is taken out of them again.
"""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from onestack.core.contract import LIB
from onestack.core.errors import PermanentError
from onestack.core.wait import until
from onestack.host.command import CommandFailed, run
from onestack.platform.node import Node

VIRSH = ("virsh", "--quiet", "--connect", "qemu:///system")
SECONDS = 600.0
"""How long a copy may make no progress."""


@dataclass(frozen=True)
class Disk:
    """A disk of a guest: its name in the guest's definition, its file inside the namespace, its format."""

    target: str
    file: str
    format: str


@dataclass(frozen=True)
class Copied:
    """A copy of a disk. `of`: the guest and disk; `file`: the copy."""

    domain: str
    disk: Disk
    file: Path


def disks(xml: str) -> list[Disk]:
    """The disks in a domain's XML that the guest writes to, in files of the cloud. Pure."""
    found = []
    for each in ElementTree.fromstring(xml).iterfind("./devices/disk"):
        source, target, driver = each.find("source"), each.find("target"), each.find("driver")
        file = source.get("file") if source is not None else None
        if each.get("device", "disk") != "disk" or each.find("readonly") is not None or target is None:
            continue
        if not file or not PurePosixPath(file).is_relative_to(LIB):
            continue
        kind = driver.get("type", "raw") if driver is not None else "raw"
        found.append(Disk(target.get("dev", ""), file, kind))
    return found


def job(xml: str, wanted: Mapping[str, str]) -> str:
    """libvirt's description of a backup of some disks. `wanted`: the disk's name -> the file to write. Pure."""
    root = ElementTree.Element("domainbackup", mode="push")
    listed = ElementTree.SubElement(root, "disks")
    for each in ElementTree.fromstring(xml).iterfind("./devices/disk"):
        target = each.find("target")
        name = target.get("dev", "") if target is not None else ""
        if name not in wanted:
            ElementTree.SubElement(listed, "disk", name=name, backup="no")
            continue
        disk = ElementTree.SubElement(listed, "disk", name=name, backup="yes", type="file")
        ElementTree.SubElement(disk, "target", file=wanted[name])
        ElementTree.SubElement(disk, "driver", type="qcow2")
    return ElementTree.tostring(root, encoding="unicode")


def running(node: Node) -> dict[str, list[Disk]]:
    """The disks of each guest that runs, by the guest's id."""
    if node.choices.virt_type == "fake":
        return {}
    found = {}
    for domain in node.inside([*VIRSH, "list", "--uuid"]).split():
        try:
            found[domain] = disks(node.inside([*VIRSH, "dumpxml", domain]))
        except CommandFailed:
            continue  # it ended meanwhile
    return found


def copy(node: Node, domain: str, only: Iterable[Disk], folder: str) -> list[Copied]:
    """Copy some disks of a guest to a folder (inside the namespace). Raises PermanentError.

    A guest that ends meanwhile has its disks at rest: they are then copied like any other file, and the result is
    empty.
    """
    wanted = list(only)
    files = {each.target: f"{folder}/{domain}-{each.target}" for each in wanted}
    # A backup that was killed has left its job.
    run(node.enter([*VIRSH, "domjobabort", domain]), seconds=30, check=False)
    description = node.outside(f"{folder}/{domain}.xml")
    try:
        description.write_text(job(node.inside([*VIRSH, "dumpxml", domain]), files))
        node.inside([*VIRSH, "backup-begin", domain, f"{folder}/{description.name}"], seconds=60)
        _wait(node, domain)
    except CommandFailed as failed:
        if domain not in node.inside([*VIRSH, "list", "--uuid"]).split():
            return []
        raise PermanentError(
            f"the disks of the running server {domain} cannot be copied",
            detail=failed.detail,
            hint="`onestack logs libvirtd`; with platform.backup.guests: false servers' own disks are left out",
        ) from failed
    except BaseException:
        run(node.enter([*VIRSH, "domjobabort", domain]), seconds=30, check=False)
        raise
    finally:
        description.unlink(missing_ok=True)
    return [Copied(domain, each, node.outside(files[each.target])) for each in wanted]


def _wait(node: Node, domain: str) -> None:
    seen = ""

    def done() -> tuple[bool, str]:
        state = _facts(node.inside([*VIRSH, "domjobinfo", domain, "--anystats"]))
        return state.get("Job type", "None") == "None", state.get("Processed", state.get("Job type", ""))

    def working() -> bool:
        nonlocal seen
        before, seen = seen, done()[1]
        return seen != before

    until(f"QEMU to copy the disks of {domain}", done, seconds=SECONDS, every=0.2, working=working)
    ended = _facts(node.inside([*VIRSH, "domjobinfo", domain, "--completed", "--anystats"]))
    if ended.get("Job type") != "Completed":
        raise PermanentError(
            f"QEMU's copy of the disks of {domain} ended as {ended.get('Job type', 'unknown')}",
            hint="is the disk full? `onestack logs libvirtd`",
        )


def _facts(text: str) -> dict[str, str]:
    rows = (line.partition(":") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in rows}


def described(text: str) -> tuple[str, str]:
    """The backing file that a qcow2 file names, and its format, from `qemu-img info`; empty without one. Pure."""
    found: dict[str, Any] = json.loads(text)
    return found.get("backing-filename", ""), found.get("backing-filename-format", "")


def thin(node: Node, copied: Copied) -> Path:
    """Take out of a copy what the disk's backing file has, and give it the disk's owner. Returns the file."""
    told = node.inside(["qemu-img", "info", "--force-share", "--output=json", copied.disk.file])
    backing, kind = described(told)
    result = copied.file
    inner = f"{PurePosixPath(LIB) / result.relative_to(node.paths.data)}"
    if copied.disk.format == "raw":
        node.inside(
            ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", inner, f"{inner}.raw"], seconds=SECONDS
        )
        result = result.with_name(f"{result.name}.raw")
    elif backing:
        at = str(PurePosixPath(copied.disk.file).parent / backing)
        difference = ["-f", "qcow2", "-b", inner, "-F", "qcow2", f"{inner}.thin"]
        node.inside(["qemu-img", "create", *difference])
        # The first one compares, and writes what differs; the second one writes the name as it was.
        rebase = ["qemu-img", "rebase", "-f", "qcow2", "-F", kind]
        node.inside([*rebase, "-b", at, f"{inner}.thin"], seconds=SECONDS, patient=True)
        node.inside([*rebase, "-u", "-b", backing, f"{inner}.thin"])
        result = result.with_name(f"{result.name}.thin")
    of = node.outside(copied.disk.file).stat()
    os.chown(result, of.st_uid, of.st_gid)
    result.chmod(of.st_mode & 0o7777)
    return result
