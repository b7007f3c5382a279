"""os-brick's side: the host itself reads and writes a volume, for backups, copies and migration.

A volume is a chain of qcow2 files; who copies it wants plain bytes. QEMU's storage daemon shows them as one
file by way of FUSE: no kernel parts (NBD, loop) are needed, nothing is copied first, and it takes the same
lock on the image as a guest would, so that two can never write to it at once.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from os_brick import exception
from os_brick.initiator import connector as factory
from os_brick.initiator.connectors import base, local

from onestack_runtime import contract
from onestack_runtime.drivers.volumes import logical
from onestack_runtime.paths import RUN

LOG = logging.getLogger(__name__)

FOLDER = RUN / "cinder" / "exports"
DAEMON = "qemu-storage-daemon"
UP_SECONDS = 20.0
END_SECONDS = 20.0
_NODE = "volume"


def register() -> None:
    """Enter the connectors into os-brick's table (by names in capitals): there is no entry point for them."""
    table = factory.get_connector_mapping()
    table[contract.FILE_PROTOCOL.upper()] = f"{__name__}.FileConnector"
    table[contract.LOGICAL_PROTOCOL.upper()] = f"{__name__}.LogicalConnector"


def command(image: str, mount: str, pid_file: str, *, writable: bool) -> list[str]:
    """The daemon that shows `image` at the file `mount`."""
    drive = {
        "driver": "qcow2",
        "node-name": _NODE,
        "read-only": not writable,
        "discard": "unmap",
        "file": {"driver": "file", "filename": image, "discard": "unmap", "read-only": not writable},
    }
    export = f"type=fuse,id=export,node-name={_NODE},mountpoint={mount},allow-other=off"
    return [
        DAEMON,
        *("--blockdev", json.dumps(drive)),
        *("--export", f"{export},writable={'on' if writable else 'off'}"),
        *("--pidfile", pid_file),
        "--daemonize",
    ]


class FileConnector(base.BaseLinuxConnector):  # type: ignore[misc]
    """Shows a volume as a file of plain bytes."""

    @staticmethod
    def get_connector_properties(root_helper: str, *args: Any, **named: Any) -> dict[str, Any]:
        """Nothing that a backend would have to know."""
        return {}

    def get_volume_paths(self, connection_properties: dict[str, Any]) -> list[str]:
        return [str(_place(connection_properties))]

    def get_search_path(self) -> None:
        return None

    def get_all_available_volumes(self, connection_properties: dict[str, Any] | None = None) -> list[str]:
        return []

    def connect_volume(self, connection_properties: dict[str, Any]) -> dict[str, Any]:
        """Show it; raises VolumeDeviceNotFound when the daemon cannot (somebody else holds the image)."""
        place = _place(connection_properties)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.touch(mode=0o600)
        image = str(Path(connection_properties["export"], connection_properties["name"]))
        writable = connection_properties.get("access_mode", "rw") != "ro"
        argv = command(image, str(place), str(_pid_file(place)), writable=writable)
        # It returns when the export stands.
        ended = subprocess.run(argv, capture_output=True, text=True, timeout=UP_SECONDS, check=False)
        if ended.returncode:
            place.unlink(missing_ok=True)
            LOG.error("%s cannot show %s: %s", DAEMON, image, ended.stderr.strip())
            raise exception.VolumeDeviceNotFound(device=image)
        return {"type": "file", "path": str(place)}

    def disconnect_volume(
        self,
        connection_properties: dict[str, Any],
        device_info: dict[str, Any] | None,
        force: bool = False,
        ignore_errors: bool = False,
    ) -> None:
        """Take it away; all that was written is in the image when this returns."""
        end(_place(connection_properties))

    def extend_volume(self, connection_properties: dict[str, Any]) -> int:
        return _place(connection_properties).stat().st_size


class LogicalConnector(local.LocalConnector):  # type: ignore[misc]
    """A logical volume is a device already; it only needs a device node here."""

    def connect_volume(self, connection_properties: dict[str, Any]) -> dict[str, Any]:
        group, name = connection_properties["volume_group"], connection_properties["logical_volume"]
        return {"type": "block", "path": logical.show(group, name)}


def _place(connection_properties: dict[str, Any]) -> Path:
    return FOLDER / str(connection_properties["name"])


def _pid_file(place: Path) -> Path:
    return place.with_name(f"{place.name}.pid")


def end(place: Path) -> None:
    """End the daemon that shows a volume at `place`, and wait until it has let go of the image."""
    pid_file = _pid_file(place)
    try:
        pid = int(pid_file.read_text())
        # The number may be another process's by now.
        if DAEMON.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + END_SECONDS
            while _alive(pid):
                if time.monotonic() > deadline:
                    LOG.error("%s %s does not end: killed", DAEMON, pid)
                    os.kill(pid, signal.SIGKILL)
                    deadline = float("inf")
                time.sleep(0.02)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        pass
    subprocess.run(["umount", "--lazy", "--quiet", str(place)], capture_output=True, check=False)
    pid_file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        place.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        # A child that ended stays until it is waited for; this one is a child of the namespace's first process.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def end_left_overs(run: Path = RUN / "cinder") -> None:
    """End the daemons of a Cinder that was killed: they would keep their volumes open."""
    for pid_file in (run / "exports").glob("*.pid"):
        LOG.warning("a copy of %s was under way when Cinder ended", pid_file.stem)
        end(pid_file.with_suffix(""))
