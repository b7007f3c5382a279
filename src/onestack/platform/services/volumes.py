"""The sections of Cinder's configuration for its backends."""

from __future__ import annotations

from onestack.core import contract
from onestack.core.contract import LIB
from onestack.platform import managed_ceph
from onestack.platform.services import _common as common
from onestack.platform.view import Ceph, View, VolumeBackend

PATH = contract.API_PATHS["cinder"]
API = f"{PATH}/v3"
"""The API's path at the API gateway. Without a project id: Cinder takes the project from the token."""
STATE = f"{LIB}/cinder"


def backends(view: View) -> dict[str, common.Section]:
    """Name of each backend -> its section, the default first."""
    return {each.name: _section(each) for each in view.cloud.volume_backends}


def hosts(view: View) -> dict[str, str]:
    """The host that stores the volumes of each backend, the default first; empty where all hosts reach them."""
    return {
        each.name: "" if each.ceph else view.cloud.leader
        for each in view.cloud.volume_backends
        if "block-storage" in view.cloud.services
    }


def _section(backend: VolumeBackend) -> common.Section:
    if backend.ceph:
        return _ceph(backend.name, backend.ceph)
    return _logical(backend.name, backend.group) if backend.group else _file(backend.name)


def _file(name: str) -> common.Section:
    return {
        "volume_driver": contract.FILE_DRIVER,
        "volume_backend_name": name,
        contract.FILE_FOLDER: f"{STATE}/volumes/{name}",
        "report_discard_supported": True,
    }


def _ceph(name: str, ceph: Ceph) -> common.Section:
    return {
        "volume_driver": "cinder.volume.drivers.rbd.RBDDriver",
        "volume_backend_name": name,
        "rbd_cluster_name": ceph.cluster,
        "rbd_pool": ceph.pool,
        "rbd_user": ceph.user,
        "rbd_ceph_conf": f"/etc/ceph/{ceph.cluster}.conf",
        "rbd_secret_uuid": ceph.secret,
        "report_discard_supported": True,
    }


def _logical(name: str, group: str) -> common.Section:
    return {
        "volume_driver": contract.LOGICAL_DRIVER,
        "volume_backend_name": name,
        "volume_group": group,
        # A new thin volume reads as zeros, whatever its blocks contained before.
        "lvm_type": "thin",
        "lvm_conf_file": "none",
        # The option needs a valid value; the driver has no target.
        "target_helper": "fake",
        "report_discard_supported": True,
    }


def backups(view: View) -> common.Section:
    """For [DEFAULT]: where backups are kept, beside what they are backups of, or in a pool of the managed Ceph."""
    if view.cloud.ceph is None:
        return {
            "backup_driver": "cinder.backup.drivers.posix.PosixBackupDriver",
            "backup_posix_path": f"{STATE}/backup",
            # A compromise: smaller chunks need more files, larger ones more memory, since a backup has two chunks in
            # memory.
            "backup_file_size": 64 * 1024 * 1024,
            "backup_compression_algorithm": "zstd",
        }
    return {
        "backup_driver": "cinder.backup.drivers.ceph.CephBackupDriver",
        "backup_ceph_conf": managed_ceph.CLIENT_CONF,
        "backup_ceph_user": managed_ceph.BACKUP.client,
        "backup_ceph_pool": managed_ceph.BACKUPS,
    }
