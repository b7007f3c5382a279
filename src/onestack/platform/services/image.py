"""Glance: images as files, uploads and imports."""

from __future__ import annotations

from onestack.core import contract
from onestack.platform.services import _common as common
from onestack.platform.shape import ENVIRONMENT, ETC, LIB, Database, Endpoint, Process, Service, View

PATH = contract.API_PATHS["glance"]
STATE = f"{LIB}/glance"


def _files(view: View) -> dict[str, str]:
    text = common.ini(
        {
            "DEFAULT": {
                **common.logging(),
                "transport_url": common.TRANSPORT,
                "enabled_backends": "local:file",
                "enabled_import_methods": "[glance-direct,web-download,copy-image]",
                "worker_self_reference_url": f"{view.front}/{PATH}",
                "show_multiple_locations": False,
                "lock_path": f"{STATE}/lock",
            },
            "database": common.database(view, "glance", "glance"),
            "glance_store": {"default_backend": "local"},
            "local": {"filesystem_store_datadir": f"{STATE}/images"},
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
    return (common.runner(view, "glance", more={"OS_GLANCE_CONFIG_DIR": f"{ETC}/glance"}),)


SERVICE = Service(
    type="image",
    name="glance",
    requires=("identity",),
    databases=(Database("glance", "glance"),),
    migrations=lambda view: common.migration("glance"),
    files=_files,
    processes=_processes,
    endpoint=Endpoint(PATH, contract.socket("glance")),
    user="glance",
)
