"""Nova's side: a volume that is a qcow2 file of this host becomes a libvirt disk of type `file`, a logical volume of
the machine one of type `block`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nova.virt.libvirt.volume import volume

from onestack_runtime import contract
from onestack_runtime.drivers.volumes import logical, note


def register() -> None:
    """Enter the classes into the table LibvirtDriver looks volumes up in: there is no entry point for them."""
    from nova.virt.libvirt import driver

    driver.VOLUME_DRIVERS[contract.FILE_PROTOCOL] = f"{__name__}.FileVolumeDriver"
    driver.VOLUME_DRIVERS[contract.LOGICAL_PROTOCOL] = f"{__name__}.LogicalVolumeDriver"


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
        """Nothing here: QEMU, which holds the file, enlarges it when Nova resizes the disk."""
        return requested_size


class LogicalVolumeDriver(volume.LibvirtVolumeDriver):  # type: ignore[misc]
    """The device node is created at every attachment: after a reboot it has another number."""

    def connect_volume(self, connection_info: dict[str, Any], instance: Any) -> None:
        data = connection_info["data"]
        data["device_path"] = logical.show(data["volume_group"], data["logical_volume"])

    def extend_volume(self, connection_info: dict[str, Any], instance: Any, requested_size: int) -> int:
        """Nothing here: LVM made the device larger."""
        return requested_size
