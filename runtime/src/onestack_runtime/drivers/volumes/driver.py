"""Cinder's driver: a backend whose volumes are qcow2 files in a folder of this host.

It is based on Cinder's base class for remote file systems, which has snapshots (qcow2 backing chains, also while a
guest runs), clones and copies. The remote parts are left out: no mount, no share, no NAS options. The files belong to
root; libvirt changes the owner to QEMU's user while a guest uses them.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from cinder import coordination, exception, interface
from cinder.image import image_utils
from cinder.volume import configuration, volume_utils
from cinder.volume.drivers import remotefs
from oslo_concurrency import processutils
from oslo_config import cfg
from oslo_log import log as logging
from oslo_utils import units

from onestack_runtime import contract
from onestack_runtime.drivers.volumes import place, qcow2

LOG = logging.getLogger(__name__)
FORMAT = "qcow2"
MODE = 0o600

OPTIONS = [
    cfg.StrOpt(
        contract.FILE_FOLDER,
        default="$state_path/volumes",
        help="The folder that holds this backend's volumes.",
    )
]
cfg.CONF.register_opts(OPTIONS, group=configuration.SHARED_CONF_GROUP)


@interface.volumedriver
class FileDriver(
    remotefs.RevertToSnapshotMixin,  # type: ignore[misc]
    remotefs.RemoteFSManageableVolumesMixin,  # type: ignore[misc]
    remotefs.RemoteFSSnapDriverDistributed,  # type: ignore[misc]
):
    """Volumes as files; `provider_location` is the folder."""

    VERSION = "1.0.0"
    driver_volume_type = contract.FILE_PROTOCOL
    driver_prefix = "file"
    volume_backend_name = "file"
    vendor_name = contract.VENDOR

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.configuration.append_config_values(OPTIONS)
        self.base = os.path.realpath(self.configuration.file_volumes_dir)

    @staticmethod
    def get_driver_options() -> list[Any]:
        return OPTIONS

    def do_setup(self, context: Any) -> None:
        # Access to the files is controlled by their owner and mode, not by NAS options.
        self.configuration.nas_secure_file_permissions = "true"
        self.configuration.nas_secure_file_operations = "false"
        super().do_setup(context)
        self.format = FORMAT
        self._ensure_shares_mounted()

    # The only "share".

    def _ensure_shares_mounted(self) -> None:
        self._ensure_share_mounted(self.base)
        self.shares = {self.base: None}
        self._mounted_shares = [self.base]

    def _ensure_share_mounted(self, share: str) -> None:
        Path(self.base).mkdir(mode=0o711, parents=True, exist_ok=True)

    def _get_mount_point_for_share(self, share: str) -> str:
        return str(self.base)

    def _find_share(self, volume: Any) -> str:
        # The scheduler has checked the capacity already; it may have changed since.
        self._require_capacity(volume.size)
        return str(self.base)

    # Files.

    def _set_rw_permissions(self, path: str) -> None:
        Path(path).chmod(MODE)

    _set_rw_permissions_for_all = _set_rw_permissions
    _set_rw_permissions_for_owner = _set_rw_permissions

    def _qemu_img_info(self, path: str, volume_name: str | None) -> Any:
        return self._qemu_img_info_base(path, volume_name, self.base, force_share=True, img_format=FORMAT)

    def _do_create_volume(self, volume: Any) -> None:
        if volume.encryption_key_id:
            raise exception.VolumeDriverException(
                message="Encrypted volumes need a key manager, which this cloud does not have."
            )
        self._create(self.local_path(volume), volume.size)
        self._note_format(volume)

    def _create(self, path: str, size: int) -> None:
        """Create an empty sparse file of `size` GiB."""
        self._execute("qemu-img", "create", "-q", "-f", FORMAT, path, f"{size}G")
        Path(path).chmod(MODE)

    def _note_format(self, volume: Any) -> None:
        """Save the format where Cinder's base class expects it: it must never be probed from what a guest wrote."""
        volume.admin_metadata["format"] = FORMAT
        with volume.obj_as_admin():
            volume.save()

    def _resize(self, path: str, size: int) -> None:
        """Grow the file to `size` GiB if it is smaller."""
        if qcow2.header(path).size < size * units.Gi:
            self._execute("qemu-img", "resize", "-q", "-f", FORMAT, path, f"{size}G")

    @coordination.synchronized("{self.driver_prefix}-{volume.id}")  # type: ignore[untyped-decorator]
    def create_volume(self, volume: Any) -> dict[str, Any]:
        updates: dict[str, Any] = super().create_volume(volume)
        return updates

    @coordination.synchronized("{self.driver_prefix}-{volume.id}")  # type: ignore[untyped-decorator]
    def delete_volume(self, volume: Any) -> None:
        """Delete all files of the volume, including those that an interrupted operation left behind."""
        for path in self._files(volume.name):
            path.unlink(missing_ok=True)

    def _files(self, name: str) -> list[Path]:
        return [*Path(self.base).glob(f"{name}.*"), Path(self.base, name)]

    def _copy_volume_from_snapshot(
        self,
        snapshot: Any,
        volume: Any,
        volume_size: int,
        src_encryption_key_id: str | None = None,
        new_encryption_key_id: str | None = None,
    ) -> None:
        """Copy the snapshot's data into the new volume's file, without a backing file."""
        # The info file names the file that was created on top at the snapshot; the data is in its backing file.
        overlay = self._read_info_file(self._local_path_volume_info(snapshot.volume))[snapshot.id]
        backing = qcow2.header(Path(self.base, overlay)).backing
        if backing is None:
            raise exception.InvalidSnapshot(reason=f"{overlay} has no backing file")
        source = str(Path(self.base, Path(backing).name))
        info = self._qemu_img_info(source, snapshot.volume.name)
        target = str(Path(self.base, volume.name))
        image_utils.convert_image(source, target, FORMAT, src_format=FORMAT, run_as_root=True, data=info)
        Path(target).chmod(MODE)
        self._resize(target, volume_size)

    def copy_image_to_volume(
        self, context: Any, volume: Any, image_service: Any, image_id: str, disable_sparse: bool = False
    ) -> None:
        path = self.local_path(volume)
        image_utils.fetch_to_volume_format(
            context,
            image_service,
            image_id,
            path,
            FORMAT,
            self.configuration.volume_dd_blocksize,
            size=volume.size,
            disable_sparse=disable_sparse,
        )
        Path(path).chmod(MODE)
        self._resize(path, volume.size)

    # Attaching.

    def validate_connector(self, connector: dict[str, Any]) -> None:
        if wrong := place.refusal(self._machine(), connector):
            raise exception.InvalidConnectorException(message=wrong)

    def initialize_connection(self, volume: Any, connector: dict[str, Any]) -> dict[str, Any]:
        active = self.get_active_image_from_info(volume)
        header = qcow2.header(Path(self.base, active))
        # A guest cannot write to the header. If anybody else changed the size, that must not yield more space.
        if header.size > volume.size * units.Gi:
            raise exception.InvalidVolume(
                reason=f"its file shows {header.size} bytes, the volume has {volume.size} GiB"
            )
        data = {"export": self.base, "name": active, "format": FORMAT}
        return {"driver_volume_type": self.driver_volume_type, "data": data}

    # Growing.

    @coordination.synchronized("{self.driver_prefix}-{volume.id}")  # type: ignore[untyped-decorator]
    def extend_volume(self, volume: Any, new_size: int) -> None:
        """Grow the file. A file that QEMU has locked is grown by QEMU: Nova requests that after this returns."""
        self._require_capacity(int(new_size) - volume.size)
        path = self._local_path_active_image(volume)
        try:
            self._resize(path, int(new_size))
        except processutils.ProcessExecutionError as error:
            if not (self._is_volume_attached(volume) and "lock" in (error.stderr or "")):
                raise
            LOG.info("%s is in use: its guest's QEMU will make it %s GiB large", volume.name, new_size)

    # Capacity.

    def _capacity(self) -> tuple[int, int, int]:
        """Bytes: total, free, provisioned to volumes."""
        disk = os.statvfs(self.base)
        provisioned = 0
        for path in Path(self.base).glob(contract.VOLUME_FILES):
            # A chain counts once, by its base file; the names of the files on top of it contain a dot.
            if "." not in path.name:
                try:
                    provisioned += qcow2.header(path).size
                except (OSError, qcow2.NotQcow2):
                    continue
        return disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize, provisioned

    def _require_capacity(self, gib: int) -> None:
        """Raise VolumeBackendAPIException if the backend lacks capacity for `gib` more GiB."""
        total, free, provisioned = self._capacity()
        ratio = volume_utils.get_max_over_subscription_ratio(self.configuration.max_over_subscription_ratio)
        reserved = total * self.configuration.reserved_percentage / 100
        if free <= reserved or provisioned + gib * units.Gi > total * float(ratio):
            raise exception.VolumeBackendAPIException(
                data=f"{gib} GiB more do not fit into {self.base}: {free // units.Gi} GiB free, "
                f"{provisioned // units.Gi} GiB provisioned, {total // units.Gi} GiB in all"
            )

    def _update_volume_stats(self) -> None:
        self._ensure_shares_mounted()
        total, free, provisioned = self._capacity()
        self._stats = {
            "volume_backend_name": self.configuration.safe_get("volume_backend_name"),
            "vendor_name": self.vendor_name,
            "driver_version": self.VERSION,
            "storage_protocol": contract.FILE_PROTOCOL,
            "total_capacity_gb": round(total / units.Gi, 2),
            "free_capacity_gb": round(free / units.Gi, 2),
            "provisioned_capacity_gb": round(provisioned / units.Gi, 2),
            "max_over_subscription_ratio": self.configuration.max_over_subscription_ratio,
            "reserved_percentage": self.configuration.reserved_percentage,
            "thin_provisioning_support": True,
            "thick_provisioning_support": False,
            "sparse_copy_volume": True,
            "online_extend_support": True,
            "multiattach": False,
            "QoS_support": False,
            "location_info": f"{contract.FILE_PROTOCOL}:{self._machine()}:{self.base}",
        }

    # Migration.

    def _machine(self) -> str:
        host: str = volume_utils.extract_host(self.host, "host")
        return host

    def migrate_volume(self, context: Any, volume: Any, host: dict[str, Any]) -> tuple[bool, Any]:
        """Migrate to another folder of this host: copy the file, then delete the old one.

        Returns (False, None) to let Cinder migrate the volume by its generic copy.
        """
        protocol, _, rest = str(host["capabilities"].get("location_info", "")).partition(":")
        machine, _, folder = rest.partition(":")
        if protocol != contract.FILE_PROTOCOL or machine != self._machine() or self._snapshots_exist(volume):
            return False, None
        if volume.status not in ("available", "retyping", "maintenance") or folder == self.base:
            return False, None
        partial = Path(folder, f"{volume.name}.partial")
        self._execute("cp", "--sparse=always", "--reflink=auto", self.local_path(volume), str(partial))
        partial.chmod(MODE)
        partial.rename(Path(folder, volume.name))
        for path in self._files(volume.name):
            path.unlink(missing_ok=True)
        return True, {"provider_location": folder}

    def update_migrated_volume(
        self, context: Any, volume: Any, new_volume: Any, original_volume_status: str
    ) -> dict[str, Any]:
        """After Cinder's generic copy: rename the new file to the old one's name, unless a guest has it open."""
        name_id = new_volume._name_id or new_volume.id
        if original_volume_status == "available":
            new = Path(self.base, new_volume.name)
            name = cfg.CONF.volume_name_template % volume.id
            if not Path(self.base, name).exists():
                shutil.move(new, Path(self.base, name))
                name_id = None
        return {"_name_id": name_id, "provider_location": new_volume.provider_location}
