"""Glance: images as files or in the managed Ceph, uploads and imports."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING

from onestack.core import contract
from onestack.core.contract import ENVIRONMENT, ETC, LIB
from onestack.core.errors import PermanentError
from onestack.platform import ceph, managed_ceph
from onestack.platform.infrastructure import ceph as storage
from onestack.platform.isolation import expect_hidden
from onestack.platform.services import _common as common
from onestack.platform.shape import Database, Endpoint, Folder, Process, Requests, Service
from onestack.platform.view import View

if TYPE_CHECKING:
    from openstack.connection import Connection

PATH = contract.API_PATHS["glance"]
STATE = f"{LIB}/glance"
FOLDER = f"{STATE}/images"
"""Where images are files, by their ids."""
VERIFY_BYTES = 256 * 1024
ON_LEADER = (
    # Images' data are files of the leader: taken by another host, they would be missed when the leader is back.
    Requests(path=f"^/{PATH}/v2/images/[^/]+/(file|stage|import)$"),
    Requests(("POST",), f"^/{PATH}/v2/tasks$"),
    # The row would be gone, and the file stay for ever.
    Requests(("DELETE",), f"^/{PATH}/v2/(images|stores/[^/]+)/[^/]+$"),
)
"""What needs the images' files; the list of images and their properties are in the database."""


def _pool() -> common.Section:
    """The store in the managed Ceph."""
    return {
        "rbd_store_ceph_conf": managed_ceph.CLIENT_CONF,
        "rbd_store_user": managed_ceph.GLANCE.client,
        "rbd_store_pool": managed_ceph.IMAGES,
    }


def _files(view: View) -> dict[str, str]:
    managed = view.cloud.ceph is not None
    text = common.ini(
        {
            "DEFAULT": {
                **common.logging(),
                "transport_url": view.backing.process_transport_url,
                "enabled_backends": "ceph:rbd" if managed else "local:file",
                "enabled_import_methods": "[glance-direct,web-download,copy-image]",
                "worker_self_reference_url": f"{view.cloud.gateway}/{PATH}",
                "show_multiple_locations": False,
                # Nova and Cinder clone an image in Ceph, whose place they must know, in no time.
                "show_image_direct_url": managed,
                "lock_path": f"{STATE}/lock",
            },
            "database": common.database(view, "glance", "glance"),
            "glance_store": {"default_backend": "ceph" if managed else "local"},
            **({"ceph": _pool()} if managed else {"local": {"filesystem_store_datadir": FOLDER}}),
            "os_glance_staging_store": {"filesystem_store_datadir": f"{STATE}/staging"},
            "os_glance_tasks_store": {"filesystem_store_datadir": f"{STATE}/tasks"},
            "paste_deploy": {
                "flavor": "keystone",
                "config_file": f"{ENVIRONMENT}/etc/glance/glance-api-paste.ini",
            },
            "keystone_authtoken": common.authtoken(view, "glance"),
            "task": {"work_dir": f"{STATE}/tasks"},
            "wsgi": {"task_pool_threads": 4},
            **common.lock_path("glance"),
            **common.proxied(),
        }
    )
    return common.files("glance", text)


def _processes(view: View) -> tuple[Process, ...]:
    more = {"OS_GLANCE_CONFIG_DIR": f"{ETC}/glance"}
    reads = ceph.READS if view.cloud.ceph and view.leads else ()
    return (common.runner(view, "glance", PATH, more=more, needs=storage.needs(view), reads=reads),)


def _verify(owner: Connection, other: Connection) -> str:
    """Upload an image, download it again, check that the other tenant cannot see it, delete it."""
    content = secrets.token_bytes(VERIFY_BYTES)
    image = owner.image.create_image(
        "onestack-verify",
        data=content,
        disk_format="raw",
        container_format="bare",
        visibility="private",
    )
    got = owner.image.download_image(image.id).content
    if got != content:
        raise PermanentError(f"an image of {len(content)} bytes came back as {len(got)} other bytes")
    expect_hidden("the first tenant's image", partial(other.image.get_image, image.id))
    owner.image.delete_image(image.id)
    return f"{len(content) // 1024} KiB uploaded, read back, deleted"


SERVICE = Service(
    type="image",
    name="glance",
    requires=("identity",),
    databases=(Database("glance", "glance"),),
    migrations=lambda view: common.migration("glance"),
    files=_files,
    processes=_processes,
    folders=(Folder(STATE, mode=0o700),),
    endpoint=Endpoint(PATH, leader_first=True, on_leader=ON_LEADER),
    user="glance",
    verify=_verify,
)
