"""Nova's volume drivers: a volume in a qcow2 file becomes a libvirt disk of type `file`, a logical volume one of type
`block`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nova.virt.libvirt.volume import volume

from onestack_runtime import contract
from onestack_runtime.drivers.volumes import logical, note


def register() -> None:
    """Add the classes to the table of Nova's LibvirtDriver: there is no entry point for them. And make our driver
    importable from `nova.virt`, the only package that Nova loads drivers from."""
    import nova.virt
    from nova.virt.libvirt import driver

    nova.virt.__path__.append(str(Path(__file__).parent / "virt"))
    driver.VOLUME_DRIVERS[contract.FILE_PROTOCOL] = f"{__name__}.FileVolumeDriver"
    driver.VOLUME_DRIVERS[contract.LOGICAL_PROTOCOL] = f"{__name__}.LogicalVolumeDriver"


class FileVolumeDriver(volume.LibvirtBaseVolumeDriver):  # type: ignore[misc]
    """No mount, no device: libvirt opens the file."""

    def __init__(self, host: Any) -> None:
        super().__init__(host, is_block_dev=False)

    def get_config(self, connection_info: dict[str, Any], disk_info: dict[str, Any]) -> Any:
        """The disk's configuration. Its source is the top file of the chain, which changes with each snapshot."""
        disk = super().get_config(connection_info, disk_info)
        data = connection_info["data"]
        folder = Path(data["export"])
        disk.source_type = "file"
        disk.source_path = str(folder / note.active(folder, data["name"]))
        disk.driver_format = data.get("format", "qcow2")
        return disk

    def extend_volume(self, connection_info: dict[str, Any], instance: Any, requested_size: int) -> int:
        """Nothing to do: QEMU, which has the file open, grows it when Nova resizes the disk."""
        return requested_size


class LogicalVolumeDriver(volume.LibvirtVolumeDriver):  # type: ignore[misc]
    """Creates the device node at every attachment, since its number changes with a reboot."""

    def connect_volume(self, connection_info: dict[str, Any], instance: Any) -> None:
        data = connection_info["data"]
        data["device_path"] = logical.show(data["volume_group"], data["logical_volume"])

    def extend_volume(self, connection_info: dict[str, Any], instance: Any, requested_size: int) -> int:
        """Nothing to do: LVM has grown the device already."""
        return requested_size
