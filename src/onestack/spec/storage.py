"""The spec's section on storage: a Ceph cluster on the cloud's own hosts, and the disks that hosts give it.

Which hosts have monitors, and how many copies there are of all data, follows from the hosts and is decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import core_schema

from onestack.language.types import Int, Problem, Section, example, refused, words

if TYPE_CHECKING:
    from onestack.spec.model import Host, Spec

_DISK = "a device (/dev/sdb), or a file with its size: {file: /srv/osd, size: 100G}"
_SIZE = "a size with its unit: 500M, 100G, 2T"
_UNITS = {"M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_WRITTEN_SIZE = re.compile(r"([1-9]\d{0,8})\s?([MGT])(iB)?")
SMALLEST = 2 << 30
"""Bytes that a disk has at least: with less, Ceph's own logs leave no room for data."""
COPIES = 3
"""How many copies there are of all data, given enough hosts: after the loss of one, two are still the same."""


@dataclass(frozen=True)
class Disk:
    """What a host gives to Ceph: a device, or a file of `size` bytes."""

    path: PurePosixPath
    size: int | None = None

    @property
    def name(self) -> str:
        """Its short name, unique on its host: `sdb`, `srv-osd`."""
        inner = str(self.path).removeprefix("/dev/").strip("/").lower()
        return re.sub(r"[^a-z0-9]+", "-", inner).strip("-")

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> core_schema.CoreSchema:
        return core_schema.is_instance_schema(cls)


def _disk(value: Any) -> Any:
    if isinstance(value, Disk):
        return value
    if isinstance(value, str):
        if not value.startswith("/dev/"):
            raise refused(Problem(f"{words(value)} is not a device", _DISK))
        return Disk(PurePosixPath(value))
    if not isinstance(value, dict) or set(value) != {"file", "size"}:
        raise refused(Problem(f"{words(value)} is not a disk", _DISK))
    file, size = value["file"], value["size"]
    if not isinstance(file, str) or not file.startswith("/") or file.startswith("/dev/"):
        raise refused(Problem(f"{words(file)} is not an absolute path of a file", _DISK))
    match = _WRITTEN_SIZE.fullmatch(size.strip()) if isinstance(size, str) else None
    if match is None:
        raise refused(Problem(f"{words(size)} is not a size", _SIZE))
    found = Disk(PurePosixPath(file), int(match[1]) * _UNITS[match[2]])
    assert found.size is not None
    if found.size < SMALLEST:
        raise refused(Problem(f"{words(size)} is too small for Ceph", f"at least {SMALLEST >> 30}G"))
    return found


def _as_written(disk: Disk) -> str | dict[str, str]:
    if disk.size is None:
        return str(disk.path)
    return {"file": str(disk.path), "size": f"{disk.size >> 20}M"}


HostDisk = Annotated[
    Disk,
    BeforeValidator(_disk),
    PlainSerializer(_as_written),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^/dev/"},
                {
                    "type": "object",
                    "properties": {"file": {"type": "string"}, "size": {"type": "string"}},
                    "required": ["file", "size"],
                    "additionalProperties": False,
                },
            ],
            "x-allowed": _DISK,
        }
    ),
]


class Storage(Section):
    """Where images, volumes, servers' disks and backups are kept."""

    model_config = example("""\
platform:
  storage: {ceph: managed}
hosts:
  - {name: s1, address: 192.0.2.11, disks: [/dev/sdb]}
  - {name: s2, address: 192.0.2.12, disks: [/dev/sdb], roles: [compute, storage]}
  - {name: s3, address: 192.0.2.13, disks: [{file: /srv/osd, size: 100G}], roles: [compute, storage]}
""")

    ceph: Literal["managed"] | None = None
    """`managed`: in a Ceph cluster on the cloud's hosts with `disks`. Default: in files of the control host."""
    osd_memory: Annotated[Int, Field(ge=896, le=65536)] = 1024
    """The memory that Ceph may use for each disk, in MiB. Ceph's own advice is 4096."""


def hosts(spec: Spec) -> list[Host]:
    """The hosts that store data; none without a managed Ceph."""
    if spec.platform.storage.ceph is None:
        return []
    return [each for each in spec.hosts if "storage" in each.roles and each.disks]


def monitors(spec: Spec) -> tuple[str, ...]:
    """The hosts with a monitor of Ceph: one, or three or five where there are as many storage hosts.

    Control hosts come first, then the order of the file, so that a host that is added changes nothing.
    """
    found = sorted(hosts(spec), key=lambda each: "control" not in each.roles)
    number = 1 if len(found) < 3 else 3 if len(found) < 5 else 5
    return tuple(each.name for each in found[:number])


def copies(number: int) -> int:
    """How many copies there are of all data with so many storage hosts; each is on another host."""
    return min(COPIES, number)


def least_copies(number: int) -> int:
    """How many of them must be there for writes to go on. Below that Ceph stops writing rather than to have the only
    copy of new data on one disk; two hosts alone go on with one copy."""
    return max(1, copies(number) - 1)


def problems(spec: Spec) -> Iterator[Problem]:
    """What is wrong with disks and storage hosts."""
    managed = spec.platform.storage.ceph is not None
    for index, host in enumerate(spec.hosts):
        path = ("hosts", index, "disks")
        if host.disks and not managed:
            yield Problem("disks without a managed Ceph", "platform.storage: {ceph: managed}", path=path)
        elif host.disks and "storage" not in host.roles:
            yield Problem(
                f"{host.name} has disks and not the role 'storage'",
                "the role 'storage', or no disks",
                path=path,
            )
        yield from _twice(host.disks, path)
    if managed and not hosts(spec):
        yield Problem(
            "a managed Ceph, and no host gives it a disk",
            f"hosts with the role 'storage' and disks, each {_DISK}",
            path=("platform", "storage", "ceph"),
        )


def _twice(disks: Sequence[Disk], path: tuple[str | int, ...]) -> Iterator[Problem]:
    names = [each.name for each in disks]
    for number, disk in enumerate(disks):
        if disk.path in (each.path for each in disks[:number]):
            yield Problem(f"'{disk.path}' is given twice", "each disk once", path=(*path, number))
        elif disk.name in names[:number]:
            same = disks[names.index(disk.name)].path
            yield Problem(
                f"'{disk.path}' and '{same}' have the same short name, {disk.name}",
                "another name of the file, or another link to the device",
                path=(*path, number),
            )


def notes(spec: Spec) -> Iterator[str]:
    """What the number of storage hosts means, in words."""
    found = hosts(spec)
    if len(found) == 1:
        yield (
            f"Ceph has one storage host, {found[0].name}: there is one copy of images, volumes and servers' disks, "
            "and they are lost with it"
        )
    elif len(found) == 2:
        (first,) = monitors(spec)
        yield (
            f"Ceph has two storage hosts: there are two copies of all data, but without {first}, which has the only "
            "monitor, guests' disks stand still; with three storage hosts any one may be lost"
        )
