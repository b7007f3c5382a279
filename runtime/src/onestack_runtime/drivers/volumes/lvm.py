"""Cinder's LVM driver for volumes that are attached on this host only, as block devices.

Upstream's driver exports each volume by iSCSI or NVMe-oF; here QEMU opens the logical volume directly.
"""

from __future__ import annotations

from typing import Any

from cinder import exception, interface
from cinder.volume import volume_utils
from cinder.volume.drivers import lvm
from cinder.volume.targets import driver as target

from onestack_runtime import contract
from onestack_runtime.drivers.volumes import logical, place
from onestack_runtime.paths import LIB


class LocalTarget(target.Target):  # type: ignore[misc]
    """No iSCSI or other target: the connection information is the volume's device."""

    protocol = storage_protocol = contract.LOGICAL_PROTOCOL

    def ensure_export(self, context: Any, volume: Any, volume_path: str) -> None:
        return None

    def create_export(self, context: Any, volume: Any, volume_path: str) -> dict[str, Any]:
        return {"location": None, "auth": None}

    def remove_export(self, context: Any, volume: Any) -> None:
        return None

    def initialize_connection(self, volume: Any, connector: dict[str, Any]) -> dict[str, Any]:
        group = self.configuration.volume_group
        data = {
            "volume_group": group,
            "logical_volume": volume["name"],
            "device_path": str(logical.device(group, volume["name"])),
        }
        return {"driver_volume_type": contract.LOGICAL_PROTOCOL, "data": data}

    def terminate_connection(self, volume: Any, connector: dict[str, Any], **how: Any) -> None:
        return None

    def validate_connector(self, connector: dict[str, Any]) -> bool:
        return True


@interface.volumedriver
class LogicalVolumeDriver(lvm.LVMVolumeDriver):  # type: ignore[misc]
    """Thin logical volumes in a volume group of this machine."""

    def __init__(self, *args: Any, **named: Any) -> None:
        logical.install_wrappers(LIB / "cinder/machine")
        super().__init__(*args, **named)
        self.target_driver = LocalTarget(configuration=self.configuration)
        self.protocol = contract.LOGICAL_PROTOCOL

    def validate_connector(self, connector: dict[str, Any]) -> None:
        if wrong := place.refusal(volume_utils.extract_host(self.host, "host"), connector):
            raise exception.InvalidConnectorException(message=wrong)

    def local_path(self, volume: Any, vg: str | None = None) -> str:
        """The device node of a volume or snapshot; creates it if needed."""
        return logical.show(vg or self.configuration.volume_group, self._escape_snapshot(volume["name"]))

    def _delete_volume(self, volume: Any, is_snapshot: bool = False) -> None:
        super()._delete_volume(volume, is_snapshot)
        name = self._escape_snapshot(volume["name"])
        logical.device(self.configuration.volume_group, name).unlink(missing_ok=True)
