"""Executes the repairs of `diagnose`: through the APIs if possible, else in the files, libvirt or Nova's database."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from openstack import exceptions
from openstack.connection import Connection

from onestack.core.wait import until
from onestack.health.volumes.collect import INFO, SET_ASIDE, VIRSH
from onestack.health.volumes.diagnose import Action, Fault
from onestack.platform.infrastructure import mariadb
from onestack.platform.site import Site

SECONDS = 120.0
"""How long a deletion or an extension may take, on a busy machine."""
_FORMAT = "qcow2"


class Repairer:
    """Executes the actions of faults."""

    def __init__(self, site: Site, admin: Connection) -> None:
        self._site = site
        self._storage = admin.block_storage
        self._compute = admin.compute
        self._methods: dict[str, Callable[..., None]] = {
            "set_volume": self._set_volume,
            "delete_volume": self._delete_volume,
            "extend": self._extend,
            "grow": self._grow,
            "claim": self._claim,
            "detach": self._detach,
            "forget": self._forget,
            "take_from_guest": self._take_from_guest,
            "set_snapshot": self._set_snapshot,
            "delete_snapshot": self._delete_snapshot,
            "set_backup": self._set_backup,
            "delete_backup": self._delete_backup,
            "write_info": self._write_info,
            "rebase": self._rebase,
            "set_aside": self._set_aside,
        }

    def repair(self, fault: Fault) -> None:
        """Execute the fault's actions in order. Raises the error of the first that fails."""
        for action in fault.then:
            self._do(fault, action)

    def _do(self, fault: Fault, action: Action) -> None:
        self._methods[action.name](fault.id, **action.arguments)

    # Volumes.

    def _set_volume(self, volume: str, status: str) -> None:
        attach = {"available": "detached", "in-use": "attached"}.get(status)
        self._storage.reset_volume_status(volume, status, attach, "none")

    def _delete_volume(self, volume: str) -> None:
        self._storage.delete_volume(volume, force=True)
        self._gone("volume", lambda: self._storage.get_volume(volume))

    def _extend(self, volume: str, size: int) -> None:
        wanted = {"os-extend": {"new_size": size}}
        self._storage.post(f"/volumes/{volume}/action", json=wanted, microversion="3.42").raise_for_status()

        def state() -> tuple[bool, str]:
            now = self._storage.get_volume(volume)
            return int(now.size) == size and now.status in ("available", "in-use"), now.status

        until("the volume to be extended", state, seconds=SECONDS, every=0.5)

    def _grow(
        self,
        volume: str,
        folder: str,
        file: str,
        size: int,
        server: str | None = None,
        disk: str | None = None,
    ) -> None:
        """Grow the active file to the volume's size; by QEMU while a guest runs."""
        if server and disk:
            self._site.leader.inside([*VIRSH, "blockresize", server, disk, f"{size}GiB"])
        else:
            self._image("resize", "-f", _FORMAT, self._inner(folder, file), f"{size}G")

    def _claim(self, volume: str, server: str) -> None:
        """Create the attachment in Cinder that Nova still has, so that Nova can end it."""
        self._set_volume(volume, "available")
        wanted = {"attachment": {"volume_uuid": volume, "instance_uuid": server}}
        self._storage.post("/attachments", json=wanted, microversion="3.27").raise_for_status()
        self._set_volume(volume, "in-use")

    def _detach(self, volume: str, server: str) -> None:
        """Detach through the API, as a user would: Nova detaches it from the guest, if there, and in Cinder."""
        self._compute.delete_volume_attachment(server, volume)

        def state() -> tuple[bool, str]:
            attached = [each.volume_id for each in self._compute.volume_attachments(server)]
            return volume not in attached, f"server {server} still has it"

        until("the volume to be detached", state, seconds=SECONDS, every=0.5)

    def _forget(self, volume: str, server: str) -> None:
        """Delete an incomplete attachment in Nova's database, as Nova itself does if attaching fails."""
        # UUID() makes sure that the ids, which come from Nova's database, are only ids.
        sql = (
            "UPDATE nova.block_device_mapping SET deleted = id, deleted_at = UTC_TIMESTAMP() "
            f"WHERE deleted = 0 AND instance_uuid = '{UUID(server)}' AND volume_id = '{UUID(volume)}';\n"
        )
        self._site.leader.inside(mariadb.client(), text_in=sql)

    def _take_from_guest(self, volume: str, server: str, disk: str) -> None:
        self._site.leader.inside([*VIRSH, "detach-disk", server, disk, "--persistent"])

    # Snapshots and backups.

    def _set_snapshot(self, snapshot: str, status: str) -> None:
        self._storage.reset_snapshot_status(snapshot, status)

    def _delete_snapshot(self, snapshot: str) -> None:
        self._storage.delete_snapshot(snapshot)
        self._gone("snapshot", lambda: self._storage.get_snapshot(snapshot))

    def _set_backup(self, backup: str, status: str) -> None:
        self._storage.reset_backup_status(backup, status)

    def _delete_backup(self, backup: str) -> None:
        self._storage.delete_backup(backup)
        self._gone("backup", lambda: self._storage.get_backup(backup))

    def _gone(self, what: str, get: Callable[[], Any]) -> None:
        def state() -> tuple[bool, str]:
            try:
                return False, str(get().status)
            except exceptions.NotFoundException:
                return True, ""

        until(f"the {what} to be gone", state, seconds=SECONDS, every=0.5)

    # Files.

    def _write_info(self, volume: str, folder: str, volume_file: str, info: dict[str, str]) -> None:
        file = Path(folder, f"{volume_file}{INFO}")
        partial = Path(folder, f"info-{volume_file}.partial")
        partial.write_text(json.dumps(info, indent=1, sort_keys=True))
        partial.chmod(0o600)
        partial.replace(file)

    def _rebase(self, volume: str, folder: str, file: str, base: str) -> None:
        self._image("rebase", "-u", "-F", _FORMAT, "-b", base, self._inner(folder, file))

    def _set_aside(self, volume: str, folder: str, file: str) -> None:
        """Move the file aside, and do not delete it: only an operator can decide whether its data is needed."""
        aside = Path(folder, SET_ASIDE)
        aside.mkdir(mode=0o700, exist_ok=True)
        Path(folder, file).rename(aside / file)

    def _image(self, *words: str) -> None:
        self._site.leader.inside(["qemu-img", *words])

    def _inner(self, folder: str, file: str) -> str:
        """The path of a file as seen inside the cloud's namespace."""
        return f"/var/lib/{Path(folder, file).relative_to(self._site.paths.data)}"
