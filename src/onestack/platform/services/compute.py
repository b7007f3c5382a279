"""Nova: compute and metadata APIs, conductor, scheduler and nova-compute in one process."""

from __future__ import annotations

from onestack.core import contract
from onestack.core.contract import LIB
from onestack.platform.infrastructure import gateway
from onestack.platform.services import _common as common
from onestack.platform.services.network import METADATA_SECRET
from onestack.platform.services.volumes import API as VOLUMES
from onestack.platform.shape import Database, Endpoint, Folder, Process, Service, local
from onestack.platform.view import View

PATH = contract.API_PATHS["nova"]
STATE = f"{LIB}/nova"
STOP_SECONDS = 45
"""Work in progress (a guest being built) is waited for."""


def _files(view: View) -> dict[str, str]:
    sections: dict[str, common.Section] = {
        "DEFAULT": {
            **common.logging(),
            "host": view.here.name,
            "my_ip": view.here.address,
            "state_path": STATE,
            "instances_path": f"{STATE}/instances",
            "tempdir": f"{STATE}/tmp",
            "transport_url": view.backing.transport_url,
            "concurrency_backend": "threading",
            "compute_driver": contract.FAKE_COMPUTE_DRIVER
            if view.here.virt_type == "fake"
            else "libvirt.LibvirtDriver",
            "allow_resize_to_same_host": True,
            "resume_guests_state_on_host_boot": True,
            # Seconds a guest has to shut down by itself; most that do not within this never will.
            "shutdown_timeout": 15,
            "vif_plugging_timeout": 120,
            "mkisofs_cmd": "genisoimage",
            # One pool of native threads does both.
            "max_concurrent_builds": 8,
            "max_concurrent_snapshots": 8,
            "reserved_host_memory_mb": 512,
            "cpu_allocation_ratio": view.cloud.cpu_allocation_ratio,
            "ram_allocation_ratio": view.cloud.ram_allocation_ratio,
        },
        "api": {
            "auth_strategy": "keystone",
            # Upstream checks its own answers against their schemas, and only logs what it finds.
            "response_validation": "ignore",
        },
        "api_database": common.database(view, "nova_api", "nova"),
        "database": common.database(view, "nova", "nova"),
        "keystone_authtoken": common.authtoken(view, "nova"),
        "service_user": {**common.credentials(view, "nova"), "send_service_user_token": True},
        "keystone": common.client(view, "nova", "identity/v3"),
        "placement": common.client(view, "placement", "placement"),
        "glance": {
            "endpoint_override": f"{view.cloud.gateway}/image",
            "region_name": view.cloud.region,
            "cafile": view.cloud.ca_file,
            "num_retries": 3,
        },
        "neutron": {
            **common.client(view, "neutron", "networking"),
            "service_metadata_proxy": True,
            "metadata_proxy_shared_secret": view.cloud.secrets[METADATA_SECRET],
        },
        "scheduler": {"workers": 1, "discover_hosts_in_cells_interval": 300},
        "filter_scheduler": {"shuffle_best_same_weighed_hosts": True},
        "conductor": {"workers": 1},
        "vnc": _vnc(view),
        "cache": {"enabled": True, "backend": view.backing.cache},
        "os_vif_ovs": {"ovsdb_connection": view.backing.switch},
        **common.lock_path("nova"),
        **common.proxied(),
    }
    if "block-storage" in view.cloud.services:
        sections["cinder"] = {
            **common.credentials(view, "nova"),
            "endpoint_template": f"{view.cloud.gateway}/{VOLUMES}",
            "os_region_name": view.cloud.region,
        }
    if view.here.virt_type != "fake":
        sections["libvirt"] = {
            "virt_type": view.here.virt_type,
            "cpu_mode": "host-model" if view.here.virt_type == "kvm" else "none",
            "images_type": "qcow2",
            # The host's page cache, and the guest's flushes reach the disk: fast and safe.
            "disk_cachemodes": "file=writeback",
            "wait_soft_reboot_seconds": 30,
        }
    return common.files("nova", common.ini(sections))


def _vnc(view: View) -> common.Section:
    """Guests' consoles: QEMU's on loopback, and a page below the API gateway for who has a token."""
    if not view.consoles:
        return {"enabled": False}
    page = f"{view.cloud.gateway}/{gateway.CONSOLE}"
    return {
        "enabled": True,
        "server_listen": view.backing.local,
        "server_proxyclient_address": view.backing.local,
        "novncproxy_base_url": f"{page}/vnc_lite.html?path={gateway.CONSOLE}/websockify",
    }


def _processes(view: View) -> tuple[Process, ...]:
    fake = view.here.virt_type == "fake"
    return (
        common.runner(
            view,
            "nova",
            PATH,
            needs=local("ovs-vswitchd") if fake else local("ovs-vswitchd", "libvirtd"),
            workers={"control": ("api", "conductor", "scheduler"), "compute": ("compute",)},
            stop_seconds=STOP_SECONDS,
            more={contract.FAKE_HOSTS: str(view.cloud.fake_hosts)} if fake else None,
        ),
    )


SERVICE = Service(
    type="compute",
    name="nova",
    requires=("identity", "image", "placement", "network"),
    databases=(Database("nova_api", "nova"), Database("nova", "nova"), Database("nova_cell0", "nova")),
    migrations=lambda view: common.migration("nova"),
    files=_files,
    processes=_processes,
    folders=(Folder(STATE),),
    endpoint=Endpoint(PATH, "/v2.1"),
    user="nova",
    secrets=(METADATA_SECRET,),
)
