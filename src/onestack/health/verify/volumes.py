"""Tests volumes as a tenant uses them: a guest writes to one, and reads the same from a volume created from its
snapshot.

The guest works by itself (`guest.identity_script`): it writes the run's token to every empty disk, and publishes the
content of its disks on a page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from openstack.connection import Connection

from onestack.core.errors import PermanentError
from onestack.core.wait import until
from onestack.health.verify import guest
from onestack.health.verify.report import Recorder

SIZE = 1
"""GiB; files are sparse."""
DONE_SECONDS = 120.0
"""How long one change of a volume, snapshot or attachment may take on a busy machine."""
SEEN_SECONDS = 120.0
"""From the attachment to the guest's page about it: the guest reads its disks every second, perhaps
under emulation."""
SECTORS_PER_GIB = 2 * 1024 * 1024

_HINT = "onestack logs cinder; onestack volumes check"
_HINT_ATTACH = "onestack logs nova; onestack logs cinder; onestack logs libvirtd"


def check_volumes(
    record: Recorder,
    cloud: Connection,
    server: str,
    public: str | None,
    token: str,
    evidence: Callable[[], str],
) -> None:
    """Test a volume, a snapshot and a restored volume with a running server. Raises OneStackError.

    `public`: the guest's address; None without a real guest. `evidence`: what to show about it.
    """
    with record.step("volume", hint=_HINT) as at:
        volume = _created(cloud, name=f"verify-{token}", size=SIZE)
        at.outcome = f"{SIZE} GiB"
    with record.step("volume attached", hint=_HINT_ATTACH) as at:
        disk = _attached(cloud, server, volume)
        at.outcome = disk
        if public:
            written = _disk(public, disk, token, evidence)
            at.outcome = f"the guest sees {disk} ({written}) and wrote to it"
    if public is None:
        record.leave_out("snapshot of a volume in use", "there is no guest to write to it")
        return
    with record.step("volume snapshot", hint=_HINT) as at:
        storage = cloud.block_storage
        snapshot = storage.create_snapshot(volume_id=volume, name=f"verify-{token}", force=True)
        _until_available("snapshot", lambda: storage.get_snapshot(snapshot.id))
        at.outcome = "taken while the guest runs"
    with record.step("volume restored", hint=_HINT_ATTACH) as at:
        restored = _created(cloud, name=f"verify-{token}-restored", snapshot_id=snapshot.id, size=SIZE)
        disk = _attached(cloud, server, restored)
        _disk(public, disk, token, evidence)
        at.outcome = f"the guest reads from {disk} what it wrote before the snapshot"


def host_of_files(admin: Connection, services: frozenset[str]) -> str | None:
    """The host that stores volumes as files: only guests on it can attach them. None without such a backend."""
    if "block-storage" not in services:
        return None
    for each in admin.block_storage.services(binary="cinder-volume"):
        host, _, backend = str(each.host).partition("@")
        if backend == "file":
            return host
    return None


def _created(cloud: Connection, **wanted: Any) -> str:
    storage = cloud.block_storage
    volume = storage.create_volume(**wanted)
    _until_available("volume", lambda: storage.get_volume(volume.id))
    return str(volume.id)


def _until_available(what: str, get: Callable[[], Any]) -> None:
    def state() -> tuple[bool, str]:
        status = get().status
        if status.startswith("error"):
            raise PermanentError(f"the {what} went to {status}", hint=f"see: {_HINT}")
        return status == "available", status

    until(f"the {what} to be available", state, seconds=DONE_SECONDS, every=0.2)


def _attached(cloud: Connection, server: str, volume: str) -> str:
    """Attach it; returns the disk's name according to Nova, such as vdb."""
    cloud.compute.create_volume_attachment(server, volume_id=volume)

    def state() -> tuple[bool, str]:
        now = cloud.block_storage.get_volume(volume)
        return now.status == "in-use" and bool(now.attachments), now.status

    until("the volume to be attached", state, seconds=DONE_SECONDS, every=0.2)
    device = cloud.block_storage.get_volume(volume).attachments[0]["device"]
    return str(device).rpartition("/")[2]


def _disk(public: str, disk: str, token: str, evidence: Callable[[], str]) -> str:
    """Wait until the guest publishes that the disk contains the token and has the right size."""

    def state() -> tuple[bool, str]:
        answered, page = guest.fetch(public, guest.DISKS)
        held, _, sectors = guest.facts(page).get(disk, "").partition(",")
        return answered and held == token and sectors == str(SIZE * SECTORS_PER_GIB), page.strip()

    until(f"the guest to read {token} from {disk}", state, seconds=SEEN_SECONDS, every=0.3, evidence=evidence)
    return f"{SIZE} GiB"
