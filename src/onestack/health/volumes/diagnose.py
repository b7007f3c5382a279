"""Finds faults in an observation: what is inconsistent, and which actions repair it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from onestack.health.volumes import chain
from onestack.health.volumes.observation import Copy, Guest, Observation, Volume

GIB = 1 << 30
Kind = Literal["volume", "snapshot", "backup", "file"]


@dataclass(frozen=True)
class Action:
    """An action of a repair: the name of a method of `Repairer`, without the underscore, and its arguments."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """An inconsistency. `then`: the actions that repair it, in order; none if an operator must decide."""

    kind: Kind
    id: str
    name: str
    what: str
    remedy: str
    then: tuple[Action, ...] = ()


def act(name: str, **arguments: Any) -> Action:
    return Action(name, arguments)


def diagnose(observed: Observation) -> list[Fault]:
    """All faults, in an order in which they can be repaired: files, volumes, then snapshots and backups."""
    found = [fault for volume in observed.volumes for fault in _files(observed, volume)]
    for volume in observed.volumes:
        found += _volume(observed, volume)
    for snapshot in observed.snapshots:
        found += _snapshot(observed, snapshot)
    for backup in observed.backups:
        found += _backup(backup)
    found += _orphans(observed)
    return found


def _open_at(observed: Observation, volume: Volume) -> tuple[Guest, str, str] | None:
    """The guest that has the volume open, with the disk's name and the file it writes to."""
    for guest in observed.guests.values():
        if disk := guest.disks.get(volume.id):
            return guest, *disk
    return None


def _repair(observed: Observation, volume: Volume) -> chain.Repair | None:
    folder = observed.folders.get(volume.backend or "")
    if folder is None:
        return None
    opened = _open_at(observed, volume)
    return chain.examine(
        volume.file, folder.of(volume.file), folder.infos.get(volume.file, {}), opened[2] if opened else None
    )


def _files(observed: Observation, volume: Volume) -> Iterator[Fault]:
    """Faults of the volume's files and info file; none while a process may be working on them."""
    settled = ("available", "in-use", "error_extending", "error_deleting", "error_restoring")
    if not (volume.stale or volume.status in settled) or volume.status in ("creating", "deleting"):
        return
    if any(each.volume == volume.id and _in_progress(each) for each in observed.snapshots):
        return
    repair = _repair(observed, volume)
    if repair is None or not repair.needed:
        return
    if repair.lost:
        if volume.status != "error":
            yield _fault(volume, repair.lost, "status error", act("set_volume", status="error"))
        return
    opened = _open_at(observed, volume)
    folder = observed.folders[volume.backend or ""].path
    if repair.rebase and opened and opened[0].running:
        return
    then = [act("rebase", folder=folder, file=file, base=base) for file, base in repair.rebase.items()]
    if repair.info is not None:
        then.append(act("write_info", folder=folder, volume_file=volume.file, info=repair.info))
    then += [act("set_aside", folder=folder, file=file) for file in repair.unused]
    what = "its backing chain and its info file differ"
    yield _fault(volume, what, f"corrected: {repair.active} is its active file", *then)


def _in_progress(copy: Copy) -> bool:
    return copy.status in ("creating", "deleting", "backing-up", "restoring") and not copy.stale


_TO_ERROR = {
    "creating": "its creation was interrupted",
    "downloading": "copying its image was interrupted",
    "restoring-backup": "restoring it was interrupted: it contains only a part of the backup",
    "reverting": "reverting to its snapshot was interrupted",
}
"""Statuses of interrupted operations that leave a volume unusable."""
_HARMLESS = ("backing-up", "uploading", "retyping", "maintenance", "extending", "awaiting-transfer")
"""Statuses of interrupted operations after which the volume is as it was before."""


def _volume(observed: Observation, volume: Volume) -> Iterator[Fault]:
    if volume.stale and volume.status in _TO_ERROR:
        yield _fault(
            volume, _TO_ERROR[volume.status], "status error: delete it", act("set_volume", status="error")
        )
        return
    if (volume.stale and volume.status == "deleting") or volume.status == "error_deleting":
        marked = act("set_volume", status="error")
        yield _fault(volume, "its deletion was interrupted", "deleted", marked, act("delete_volume"))
        return
    attaching = volume.status in ("attaching", "detaching", "reserved")
    if attaching and not volume.stale:
        return
    interrupted = volume.stale and volume.status in _HARMLESS
    if not (interrupted or attaching or volume.status in ("available", "in-use", "error_extending")):
        return
    faults = list(_attachment(observed, volume))
    yield from faults
    if interrupted or volume.status == "error_extending":
        status = "in-use" if _owner(observed, volume) else "available"
        then = (act("set_volume", status=status),)
        yield _fault(volume, f"{volume.status}, but no process is working on it", f"status {status}", *then)
    if not faults:
        yield from _size(observed, volume)


def _owner(observed: Observation, volume: Volume) -> str | None:
    """The server that has the volume, according to Nova."""
    return next((server for server, volumes in observed.servers.items() if volume.id in volumes), None)


def _attachment(observed: Observation, volume: Volume) -> Iterator[Fault]:
    """Disagreement between Cinder, Nova and libvirt about the server that has the volume."""
    owner, opened = _owner(observed, volume), _open_at(observed, volume)
    if owner in observed.busy or (opened and opened[0].server in observed.busy):
        return
    taken = [act("take_from_guest", server=opened[0].server, disk=opened[1])] if opened else []
    if owner is None:
        if volume.attachments or opened or volume.status not in ("available", "error_extending", *_HARMLESS):
            then = [*taken, act("set_volume", status="available")]
            yield _fault(volume, "it is attached or reserved, but no server has it", "detached", *then)
        return
    if (interrupted := observed.unfinished.get((owner, volume.id))) is not None:
        if interrupted:
            # Nova itself cannot detach it, since it has no connection information.
            ended = (act("forget", server=owner), act("set_volume", status="available"))
            yield _fault(
                volume, f"attaching it to server {owner} was interrupted", "detached", *taken, *ended
            )
        return
    guest = observed.guests.get(owner)
    cinder_knows = owner in volume.attachments.values()
    if cinder_knows and not observed.fake_driver and guest and guest.running and volume.id not in guest.disks:
        what = f"it is attached to server {owner} in Nova, but not in libvirt"
        yield _fault(
            volume, what, "detached", act("set_volume", status="in-use"), act("detach", server=owner)
        )
        return
    if not cinder_knows:
        what = f"it is attached to server {owner} in Nova, but not in Cinder"
        yield _fault(volume, what, "detached", act("claim", server=owner), act("detach", server=owner))
        return
    if volume.status in ("available", "attaching", "detaching", "reserved"):
        then = [act("set_volume", status="in-use")]
        yield _fault(
            volume, f"it is {volume.status}, but attached to server {owner} in Nova", "status in-use", *then
        )


def _size(observed: Observation, volume: Volume) -> Iterator[Fault]:
    """A difference between the active file's size and the size in Cinder."""
    repair = _repair(observed, volume)
    if repair is None or repair.active is None or repair.lost:
        return
    folder = observed.folders[volume.backend or ""]
    real = folder.files[repair.active][1]
    if real > volume.size * GIB:
        whole = -(-real // GIB)
        what = f"its file has {whole} GiB, the volume in Cinder {volume.size}"
        yield _fault(volume, what, f"extended to {whole} GiB", act("extend", size=whole))
    elif real < volume.size * GIB:
        opened = _open_at(observed, volume)
        arguments: dict[str, Any] = {"folder": folder.path, "file": repair.active, "size": volume.size}
        if opened and opened[0].running:
            arguments |= {"server": opened[0].server, "disk": opened[1]}
        what = f"its file has {real / GIB:g} GiB, the volume in Cinder {volume.size}"
        yield _fault(volume, what, f"grown to {volume.size} GiB", act("grow", **arguments))


def _snapshot(observed: Observation, snapshot: Copy) -> Iterator[Fault]:
    failed = snapshot.status == "error_deleting"
    if not (snapshot.stale or failed) or snapshot.status not in ("creating", "deleting", "error_deleting"):
        return
    if snapshot.status == "creating":
        volume = next((each for each in observed.volumes if each.id == snapshot.volume), None)
        repair = _repair(observed, volume) if volume else None
        folder = observed.folders.get(volume.backend or "") if volume else None
        info = repair.info if repair else None
        if info is None and folder and volume:
            info = dict(folder.infos.get(volume.file, {}))
        status = "available" if info and snapshot.id in info else "error"
        consequence = "it was taken" if status == "available" else "it was not taken: delete it"
        then: tuple[Action, ...] = (act("set_snapshot", status=status),)
        yield Fault("snapshot", snapshot.id, snapshot.name, "its creation was interrupted", consequence, then)
        return
    then = (act("set_snapshot", status="available"), act("delete_snapshot"))
    yield Fault("snapshot", snapshot.id, snapshot.name, "its deletion was interrupted", "deleted", then)


def _backup(backup: Copy) -> Iterator[Fault]:
    if not backup.stale:
        return
    finding = {
        "creating": (
            "its creation was interrupted",
            "status error: delete it",
            [act("set_backup", status="error")],
        ),
        "restoring": (
            "restoring from it was interrupted",
            "available",
            [act("set_backup", status="available")],
        ),
        "deleting": (
            "its deletion was interrupted",
            "deleted",
            [act("set_backup", status="error"), act("delete_backup")],
        ),
    }.get(backup.status)
    if finding:
        yield Fault("backup", backup.id, backup.name, finding[0], finding[1], tuple(finding[2]))


def _orphans(observed: Observation) -> Iterator[Fault]:
    known = {volume.file for volume in observed.volumes}
    for folder in observed.folders.values():
        for file in sorted(folder.files):
            if file.partition(".")[0] not in known:
                then = act("set_aside", folder=folder.path, file=file)
                yield Fault("file", file, file, "it belongs to no volume", "moved to `set-aside`", (then,))


def _fault(volume: Volume, what: str, remedy: str, *then: Action) -> Fault:
    return Fault("volume", volume.id, volume.name, what, remedy, then)
