"""Collects the observation: volumes in Cinder, Nova and libvirt, and the files of the file backends."""

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
GRACE_SECONDS = 2.0
"""How long, after a process has ended, its requests may still be in progress in another one. A restarted process
takes longer than that to become ready."""
RESERVED_SECONDS = 60.0
"""After this time a volume that is still reserved, and that no server has, is no longer wanted: Nova records that a
server has a volume before it reserves the volume, or moments after."""
_HEADER = struct.Struct(contract.QCOW2_HEADER)


def collect(site: Site, admin: Connection) -> Observation:
    """The whole observation. Raises SDKException if an API does not answer, CommandFailed for libvirt."""
    started = {name: _since(site, name) for name in ("cinder", "nova")}
    both_started = max(started.values())
    attachments = _attachments(admin)
    servers, busy = _servers(site, admin)
    with_server = frozenset[str]().union(*servers.values())
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
            # Both Nova and Cinder take part in attaching.
            stale=abandoned(
                each.status,
                _changed(each),
                started=both_started,
                has_server=each.id in with_server,
                now=now,
            ),
            attachments=attachments.get(each.id, {}),
        )
        for each in storage.volumes(details=True, all_projects=True)
    )
    return Observation(
        volumes=volumes,
        snapshots=tuple(_copies(storage.snapshots(details=True, all_projects=True), started["cinder"])),
        backups=tuple(_copies(storage.backups(details=True, all_projects=True), started["cinder"])),
        servers=servers,
        busy=busy,
        unfinished=_unfinished(site, started["nova"]),
        guests={} if site.view.here.virt_type == "fake" else guests(site),
        folders={name: folder(path) for name, path in _folders(site).items()},
        fake_driver=site.view.here.virt_type == "fake",
    )


def abandoned(status: str, changed: float, *, started: float, has_server: bool, now: float) -> bool:
    """Whether no process can be working on a volume any more.

    `changed`: when the volume was last changed; `started`: when the present processes were started; `has_server`:
    whether a server has the volume. Times in seconds.
    """
    unwanted = status == "reserved" and not has_server and changed + RESERVED_SECONDS < now
    return changed < started or unwanted


def _since(site: Site, process: str) -> float:
    """When a process was started, in seconds, plus GRACE_SECONDS; 0 if it does not run."""
    program = site.leader.supervisor.program(process)
    return program.since + GRACE_SECONDS if program and program.pid else 0.0


def _changed(each: Any) -> float:
    """When it was last changed, in seconds. Cinder's times are in UTC, without a time zone."""
    changed = datetime.fromisoformat(str(each.updated_at or each.created_at))
    return (changed if changed.tzinfo else changed.replace(tzinfo=UTC)).timestamp()


def _copies(found: Iterable[Any], started: float) -> Iterable[Copy]:
    for each in found:
        yield Copy(each.id, each.name or each.id, each.status, each.volume_id, _changed(each) < started)


def _attachments(admin: Connection) -> dict[str, dict[str, str]]:
    """Volume -> attachment -> server; includes reserved ones, which the volume itself does not show."""
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


def _unfinished(site: Site, started: float) -> dict[tuple[str, str], bool]:
    """(server, volume) of incomplete attachments -> whether they are stale. Only Nova's database shows them."""
    if "compute" not in site.view.cloud.services:
        return {}
    rows = map(str.split, site.leader.inside(mariadb.client(), text_in=_UNFINISHED).splitlines())
    return {(server, volume): float(changed) < started for server, volume, changed in rows}


def _folders(site: Site) -> dict[str, Path]:
    """File backend -> its folder, as seen outside of the cloud's namespace."""
    sections = backends.backends(site.view)
    inner = {name: section.get(contract.FILE_FOLDER) for name, section in sections.items()}
    return {name: site.leader.outside(str(path)) for name, path in inner.items() if path}


def _backend(site: Site, host: str | None) -> str | None:
    """The backend in `host@backend#pool`, if it is a file backend."""
    name = (host or "").partition("@")[2].partition("#")[0]
    return name if name in _folders(site) else None


def folder(path: Path) -> Folder:
    """The content of a backend's folder."""
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
    """All libvirt domains, by server id."""
    if "compute" not in site.view.cloud.services:
        return {}
    running = set(site.leader.inside([*VIRSH, "list", "--uuid"]).split())
    defined = site.leader.inside([*VIRSH, "list", "--all", "--uuid"]).split()
    return {
        each: Guest(each, each in running, disks(site.leader.inside([*VIRSH, "dumpxml", each])))
        for each in defined
    }


def disks(xml: str) -> dict[str, tuple[str, str]]:
    """Volume -> (target, file) for the disks in a domain's XML; a volume's id is its disk's serial number."""
    result: dict[str, tuple[str, str]] = {}
    for disk in ElementTree.fromstring(xml).iterfind("./devices/disk"):
        source, target = disk.find("source"), disk.find("target")
        serial = disk.findtext("serial")
        if serial and target is not None:
            file = (source.get("file") if source is not None else None) or ""
            result[serial] = (target.get("dev", ""), Path(file).name)
    return result
