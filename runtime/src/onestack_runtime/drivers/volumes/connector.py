"""os-brick's connectors: the host itself reads and writes a volume, for backups, copies and migration.

A volume is a chain of qcow2 files, but a copy needs its raw bytes. QEMU's storage daemon exports the chain as one raw
file by FUSE. That needs no kernel module (NBD, loop) and no copy of the data, and takes the same lock on the image as
a guest, so that only one of them can write to it.
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
    """Add the connectors to os-brick's table (its names are upper case): there is no entry point for them."""
    table = factory.get_connector_mapping()
    table[contract.FILE_PROTOCOL.upper()] = f"{__name__}.FileConnector"
    table[contract.LOGICAL_PROTOCOL.upper()] = f"{__name__}.LogicalConnector"


def command(image: str, mount: str, pid_file: str, *, writable: bool) -> list[str]:
    """The command line of the daemon that exports `image` as the file `mount`."""
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
    """Exports a volume as a raw file."""

    @staticmethod
    def get_connector_properties(root_helper: str, *args: Any, **named: Any) -> dict[str, Any]:
        """No properties: the backend needs none."""
        return {}

    def get_volume_paths(self, connection_properties: dict[str, Any]) -> list[str]:
        return [str(_export_file(connection_properties))]

    def get_search_path(self) -> None:
        return None

    def get_all_available_volumes(self, connection_properties: dict[str, Any] | None = None) -> list[str]:
        return []

    def connect_volume(self, connection_properties: dict[str, Any]) -> dict[str, Any]:
        """Export it. Raises VolumeDeviceNotFound if the daemon cannot: another process has locked the image."""
        export_file = _export_file(connection_properties)
        export_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        export_file.touch(mode=0o600)
        image = str(Path(connection_properties["export"], connection_properties["name"]))
        writable = connection_properties.get("access_mode", "rw") != "ro"
        argv = command(image, str(export_file), str(_pid_file(export_file)), writable=writable)
        # With --daemonize it returns when the export is ready.
        result = subprocess.run(argv, capture_output=True, text=True, timeout=UP_SECONDS, check=False)
        if result.returncode:
            export_file.unlink(missing_ok=True)
            LOG.error("%s cannot export %s: %s", DAEMON, image, result.stderr.strip())
            raise exception.VolumeDeviceNotFound(device=image)
        return {"type": "file", "path": str(export_file)}

    def disconnect_volume(
        self,
        connection_properties: dict[str, Any],
        device_info: dict[str, Any] | None,
        force: bool = False,
        ignore_errors: bool = False,
    ) -> None:
        """Remove the export; when this returns, all writes are in the image."""
        end(_export_file(connection_properties))

    def extend_volume(self, connection_properties: dict[str, Any]) -> int:
        return _export_file(connection_properties).stat().st_size


class LogicalConnector(local.LocalConnector):  # type: ignore[misc]
    """A logical volume is a block device already; it only needs a device node in this mount namespace."""

    def connect_volume(self, connection_properties: dict[str, Any]) -> dict[str, Any]:
        group, name = connection_properties["volume_group"], connection_properties["logical_volume"]
        return {"type": "block", "path": logical.show(group, name)}


def _export_file(connection_properties: dict[str, Any]) -> Path:
    return FOLDER / str(connection_properties["name"])


def _pid_file(export_file: Path) -> Path:
    return export_file.with_name(f"{export_file.name}.pid")


def end(export_file: Path) -> None:
    """End the daemon that exports a volume at `export_file`, and wait until it has released the image."""
    pid_file = _pid_file(export_file)
    try:
        pid = int(pid_file.read_text())
        # The kernel may have given the pid to another process.
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
    subprocess.run(["umount", "--lazy", "--quiet", str(export_file)], capture_output=True, check=False)
    pid_file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        export_file.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        # A zombie has ended: its parent, the namespace's init process, has not reaped it yet.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def end_left_overs(run: Path = RUN / "cinder") -> None:
    """End the daemons that are left of a killed Cinder: they would keep their volumes locked."""
    for pid_file in (run / "exports").glob("*.pid"):
        LOG.warning("a copy of %s was under way when Cinder ended", pid_file.stem)
        end(pid_file.with_suffix(""))
