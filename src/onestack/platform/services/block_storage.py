"""Cinder: API, scheduler, volume services and backups in one process."""

from __future__ import annotations

from onestack.core import contract
from onestack.core.contract import ENVIRONMENT
from onestack.platform import ceph, lvm
from onestack.platform.infrastructure import ceph as managed
from onestack.platform.services import _common as common
from onestack.platform.services import _policies, volumes
from onestack.platform.services.volumes import PATH, STATE
from onestack.platform.shape import WRITES, Database, Endpoint, Folder, Process, Service, Step, local
from onestack.platform.view import View

STOP_SECONDS = 45
DOWN_SECONDS = 60
"""An agent without a report for so long is down."""
"""Long enough for in-flight work, such as a copy or an online snapshot."""


def _files(view: View) -> dict[str, str]:
    backends = volumes.backends(view)
    text = common.ini(
        {
            "DEFAULT": {
                **common.logging(),
                "host": view.here.name,
                "my_ip": view.here.address,
                "state_path": STATE,
                "transport_url": view.backing.process_transport_url,
                "auth_strategy": "keystone",
                "api_paste_config": f"{ENVIRONMENT}/etc/cinder/api-paste.ini",
                "resource_query_filters_file": f"{ENVIRONMENT}/etc/cinder/resource_filters.json",
                "glance_api_servers": f"{view.cloud.gateway}/image",
                "glance_ca_certificates_file": view.cloud.ca_file,
                "enabled_backends": backends,
                "default_volume_type": next(iter(backends)),
                "image_conversion_dir": f"{STATE}/conversion",
                **volumes.backups(view),
                # Services in one process report to each other without delay.
                "report_interval": 10,
                "service_down_time": DOWN_SECONDS,
            },
            **backends,
            "database": common.database(view, "cinder", "cinder"),
            "keystone_authtoken": common.authtoken(view, "cinder"),
            "service_user": {**common.credentials(view, "cinder"), "send_service_user_token": True},
            "nova": {**common.credentials(view, "cinder"), "interface": "internal"},
            "coordination": {"backend_url": view.backing.coordination_url(STATE)},
            **_policies.option(view, "cinder"),
            **common.lock_path("cinder"),
            **common.proxied(),
        }
    )
    return {**common.files("cinder", text), **_policies.files(view, "cinder")}


def _processes(view: View) -> tuple[Process, ...]:
    return (
        common.runner(
            view,
            "cinder",
            PATH,
            needs=(*local(ceph.STEP, lvm.STEP), *managed.needs(view)) if view.leads else (),
            stop_seconds=STOP_SECONDS,
            reads=ceph.READS if view.leads else (),
            # The volumes' files and volume groups are on the leader, and with them all workers.
            more={} if view.leads else {contract.WORKERS: contract.API_ONLY},
        ),
    )


SERVICE = Service(
    type="block-storage",
    # Terraform and older clients look these up in the catalogue. v3.0 is compatible with v2, whose last clients look
    # up `volumev2`.
    aliases=("volumev3", "volumev2", "volume", "block-store"),
    name="cinder",
    requires=("identity", "image"),
    databases=(Database("cinder", "cinder"),),
    migrations=lambda view: common.migration("cinder"),
    files=_files,
    processes=_processes,
    # QEMU, which runs as another user, must reach the volumes' files, but need not list them.
    folders=(Folder(STATE, mode=0o711),),
    steps=lambda view: (
        Step(ceph.STEP, ceph.check_access, scope="leader"),
        Step(lvm.STEP, lvm.check_groups, scope="leader"),
    ),
    endpoint=Endpoint(PATH, "/v3", leader_first=True, on_leader=(WRITES,)),
    user="cinder",
)
