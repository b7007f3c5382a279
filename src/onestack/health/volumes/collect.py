"""Collects the observation: asks Cinder, Nova and libvirt of volumes, and reads the file backends' folders."""

from __future__ import annotations

import json
import struct
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from openstack.connection import Connection

from onestack.core import contract
from onestack.health.volumes.observation import Copy, Folder, Guest, Observation, Volume
from onestack.platform.infrastructure import mariadb
from onestack.platform.services import volumes as backends
from onestack.platform.site import Site

VIRSH = ("virsh", "--quiet", "--connect", "qemu:///system")
INFO = contract.VOLUME_NOTE
SET_ASIDE = "set-aside"
AFTERMATH = 2.0
"""Seconds in which a request of a process that ended is still carried out by another one. One that restarted is
not yet at work so early: it takes longer to be ready."""
FORGOTTEN = 60.0
"""Seconds after which a volume that is reserved for a server, and that no server has, was released: Nova notes
that a server has a volume before it reserves it, or moments after, for one that is only now asked for."""
_HEADER = struct.Struct(contract.QCOW2_HEADER)


def collect(site: Site, admin: Connection) -> Observation:
    """Everything, once. Raises SDKException when an API does not answer, CommandFailed for libvirt."""
    begun = {name: _since(site, name) for name in ("cinder", "nova")}
    both = max(begun.values())
    attachments = _attachments(admin)
    servers, busy = _servers(site, admin)
    had = frozenset[str]().union(*servers.values())
    now = time.time()
    storage = admin.block_storage
    volumes = tuple(
        Volume(
            id=each.id,
            name=each.name or each.id,
            status=each.status,
            size=int(each.size),
            file=f"volume-{each.migration_id or each.id}",
            backend=_backend(site, each.host),
            # An attachment is Nova's work as much as Cinder's.
            stale=abandoned(each.status, _changed(each), begun=both, had=each.id in had, now=now),
            attachments=attachments.get(each.id, {}),
        )
        for each in storage.volumes(details=True, all_projects=True)
    )
    return Observation(
        volumes=volumes,
        snapshots=tuple(_copies(storage.snapshots(details=True, all_projects=True), begun["cinder"])),
        backups=tuple(_copies(storage.backups(details=True, all_projects=True), begun["cinder"])),
        servers=servers,
        busy=busy,
        unfinished=_unfinished(site, begun["nova"]),
        guests={} if site.view.here.virt_type == "fake" else guests(site),
        folders={name: folder(path) for name, path in _folders(site).items()},
        fake_driver=site.view.here.virt_type == "fake",
    )


def abandoned(status: str, changed: float, *, begun: float, had: bool, now: float) -> bool:
    """Whether no process can be at work on a volume. `changed`: when it last was; `begun`: from when on a process
    can have begun work on it; `had`: whether a server has it. Times in seconds."""
    return changed < begun or (status == "reserved" and not had and changed + FORGOTTEN < now)


def _since(site: Site, process: str) -> float:
    """From when on a process can have begun something, in seconds; before that another was in its place."""
    there = site.leader.supervisor.program(process)
    return there.since + AFTERMATH if there and there.pid else 0.0


def _changed(each: Any) -> float:
    """When it was last changed, in seconds; Cinder's times are UTC and do not say so."""
    changed = datetime.fromisoformat(str(each.updated_at or each.created_at))
    return (changed if changed.tzinfo else changed.replace(tzinfo=UTC)).timestamp()


def _copies(found: Iterable[Any], begun: float) -> Iterable[Copy]:
    for each in found:
        yield Copy(each.id, each.name or each.id, each.status, each.volume_id, _changed(each) < begun)


def _attachments(admin: Connection) -> dict[str, dict[str, str]]:
    """Volume -> attachment -> server; those that are only reserved too, which a volume does not show."""
    answer = admin.block_storage.get("/attachments/detail?all_tenants=1", microversion="3.27")
    found: dict[str, dict[str, str]] = {}
    for each in answer.json()["attachments"]:
        found.setdefault(each["volume_id"], {})[each["id"]] = each.get("instance") or ""
    return found


def _servers(site: Site, admin: Connection) -> tuple[dict[str, frozenset[str]], frozenset[str]]:
    if "compute" not in site.view.cloud.services:
        return {}, frozenset()
    found: dict[str, frozenset[str]] = {}
    busy = set()
    for server in admin.compute.servers(details=True, all_projects=True):
        found[server.id] = frozenset(each["id"] for each in server.attached_volumes or ())
        if server.task_state:
            busy.add(server.id)
    return found, frozenset(busy)


_UNFINISHED = """\
SELECT instance_uuid, volume_id, TIMESTAMPDIFF(SECOND, '1970-01-01', COALESCE(updated_at, created_at))
FROM nova.block_device_mapping
WHERE deleted = 0 AND volume_id IS NOT NULL
AND (connection_info IS NULL OR connection_info IN ('', 'null', '{}'));
"""


def _unfinished(site: Site, begun: float) -> dict[tuple[str, str], bool]:
    """Only Nova's database tells an attachment that was begun from one that is whole."""
    if "compute" not in site.view.cloud.services:
        return {}
    rows = map(str.split, site.leader.inside(mariadb.client(), text_in=_UNFINISHED).splitlines())
    return {(server, volume): float(changed) < begun for server, volume, changed in rows}


def _folders(site: Site) -> dict[str, Path]:
    """Backend -> its folder on the machine, for those that have one."""
    sections = backends.backends(site.view)
    inner = {name: section.get(contract.FILE_FOLDER) for name, section in sections.items()}
    return {name: site.leader.outside(str(place)) for name, place in inner.items() if place}


def _backend(site: Site, host: str | None) -> str | None:
    """host@backend#pool -> the backend, if its volumes are files."""
    name = (host or "").partition("@")[2].partition("#")[0]
    return name if name in _folders(site) else None


def folder(path: Path) -> Folder:
    """What lies in a backend's folder."""
    files: dict[str, tuple[str | None, int]] = {}
    infos: dict[str, Mapping[str, str]] = {}
    for each in sorted(path.glob(contract.VOLUME_FILES)) if path.exists() else ():
        if each.name.endswith(INFO):
            try:
                infos[each.name.removesuffix(INFO)] = json.loads(each.read_text())
            except (OSError, ValueError):
                infos[each.name.removesuffix(INFO)] = {}
        elif (read := header(each)) is not None:
            files[each.name] = read
    return Folder(str(path), files, infos)


def header(path: Path) -> tuple[str | None, int] | None:
    """The backing file of a qcow2 file, and its virtual size in bytes; None for anything else."""
    try:
        with path.open("rb") as file:
            raw = file.read(_HEADER.size)
            if len(raw) < _HEADER.size or raw[:4] != contract.QCOW2_MAGIC:
                return None
            _, _, offset, length, _, size = _HEADER.unpack(raw)
            if not offset:
                return None, size
            file.seek(offset)
            return Path(file.read(length).decode()).name, size
    except OSError:
        return None


def guests(site: Site) -> dict[str, Guest]:
    """Every domain of libvirt's, by its server."""
    if "compute" not in site.view.cloud.services:
        return {}
    running = set(site.leader.inside([*VIRSH, "list", "--uuid"]).split())
    known = site.leader.inside([*VIRSH, "list", "--all", "--uuid"]).split()
    return {
        each: Guest(each, each in running, disks(site.leader.inside([*VIRSH, "dumpxml", each])))
        for each in known
    }


def disks(text: str) -> dict[str, tuple[str, str]]:
    """Volume -> (target, file) of a domain's description; a disk that is a volume has its id for a serial."""
    found: dict[str, tuple[str, str]] = {}
    for disk in ElementTree.fromstring(text).iterfind("./devices/disk"):
        source, target = disk.find("source"), disk.find("target")
        serial = disk.findtext("serial")
        if serial and target is not None:
            place = (source.get("file") if source is not None else None) or ""
            found[serial] = (target.get("dev", ""), Path(place).name)
    return found
