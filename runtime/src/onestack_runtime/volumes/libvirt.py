"""Nova's side: a volume that is a qcow2 file of this host becomes a libvirt disk of type `file`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nova.virt.libvirt.volume import volume

from onestack_runtime.volumes import PROTOCOL, note


def register() -> None:
    """Enter the class into the table LibvirtDriver looks volumes up in: there is no entry point for it."""
    from nova.virt.libvirt import driver

    driver.VOLUME_DRIVERS[PROTOCOL] = f"{__name__}.FileVolumeDriver"


class FileVolumeDriver(volume.LibvirtBaseVolumeDriver):  # type: ignore[misc]
    """No mount, no device: libvirt opens the file."""

    def __init__(self, host: Any) -> None:
        super().__init__(host, is_block_dev=False)

    def get_config(self, connection_info: dict[str, Any], disk_info: dict[str, Any]) -> Any:
        """The disk's description. Its name is the file on top of the chain, which a snapshot changes."""
        found = super().get_config(connection_info, disk_info)
        data = connection_info["data"]
        folder = Path(data["export"])
        found.source_type = "file"
        found.source_path = str(folder / note.active(folder, data["name"]))
        found.driver_format = data.get("format", "qcow2")
        return found

    def extend_volume(self, connection_info: dict[str, Any], instance: Any, requested_size: int) -> int:
        """Nothing here: QEMU, which holds the file, makes it larger when it is told to resize the disk."""
        return requested_size
