"""Nova: compute and metadata APIs, conductor, scheduler and nova-compute in one process."""

from __future__ import annotations

from onestack.core import contract
from onestack.core.contract import LIB
from onestack.platform import bus_users, ceph, host_users, managed_ceph
from onestack.platform.infrastructure import ceph as storage
from onestack.platform.infrastructure import gateway, libvirt, rabbitmq, rsync
from onestack.platform.places import CA, HOST_CERTIFICATE, HOST_KEY, INSTANCES
from onestack.platform.services import _common as common
from onestack.platform.services import _policies, volumes
from onestack.platform.services.network import METADATA_SECRET
from onestack.platform.shape import Database, Endpoint, Folder, Process, Service, leader, local
from onestack.platform.view import View

PATH = contract.API_PATHS["nova"]
STATE = f"{LIB}/nova"
PROCESS = bus_users.PROCESS
STOP_SECONDS = 45
"""Long enough for in-flight work, such as building a guest."""


def _files(view: View) -> dict[str, str]:
    sections: dict[str, common.Section] = {
        "DEFAULT": {
            **common.logging(),
            "host": view.here.name,
            "my_ip": view.here.address,
            "state_path": STATE,
            "instances_path": INSTANCES,
            "tempdir": f"{STATE}/tmp",
            "transport_url": view.backing.transport_url,
            "concurrency_backend": "threading",
            "compute_driver": _driver(view),
            "allow_resize_to_same_host": True,
            "resume_guests_state_on_host_boot": True,
            # Seconds; most guests that do not shut down within this time never do.
            "shutdown_timeout": 15,
            "vif_plugging_timeout": 120,
            "mkisofs_cmd": "genisoimage",
            # Builds and snapshots share one pool of native threads.
            "max_concurrent_builds": 8,
            "max_concurrent_snapshots": 8,
            "reserved_host_memory_mb": 512,
            "cpu_allocation_ratio": view.cloud.cpu_allocation_ratio,
            "ram_allocation_ratio": view.cloud.ram_allocation_ratio,
        },
        "api": {
            "auth_strategy": "keystone",
            # Upstream would validate its own responses against their schemas, only to log violations.
            "response_validation": "ignore",
        },
        "api_database": common.database(view, "nova_api", "nova") if view.control else {},
        "database": common.database(view, "nova", "nova") if view.control else {},
        "keystone_authtoken": common.authtoken(view, "nova") if view.control else {},
        "service_user": {
            **common.credentials(view, host_users.of(view, "nova")),
            "send_service_user_token": True,
        },
        "keystone": common.client(view, "nova", "identity/v3") if view.control else {},
        "placement": common.client(view, host_users.of(view, "placement"), "placement"),
        "glance": {
            "endpoint_override": f"{view.cloud.gateway}/image",
            "region_name": view.cloud.region,
            "cafile": view.cloud.ca_file,
            "num_retries": 3,
        },
        "neutron": {
            **common.client(view, host_users.of(view, "neutron"), "networking"),
            **_metadata(view),
        },
        "scheduler": {
            "workers": 1,
            # Seconds; a host that has just joined gets no servers before it is discovered.
            "discover_hosts_in_cells_interval": 15 if view.peers else 300,
        },
        "filter_scheduler": {
            "shuffle_best_same_weighed_hosts": True,
            **(_volume_filter() if _volume_hosts(view) else {}),
        },
        "conductor": {"workers": 1},
        "vnc": _vnc(view),
        "cache": {"enabled": True, "backend": view.backing.cache},
        "os_vif_ovs": {"ovsdb_connection": view.backing.switch},
        **_policies.option(view, "nova"),
        **common.lock_path("nova"),
        **common.proxied(),
    }
    if view.peers:
        sections["oslo_messaging_rabbit"] = _bus(view)
    if not view.control:
        # nova-compute uses conductors in place of databases, and serves no API.
        sections = {name: options for name, options in sections.items() if name not in _OF_CONTROL}
    if "block-storage" in view.cloud.services:
        sections["cinder"] = {
            **common.credentials(view, host_users.of(view, "nova")),
            "endpoint_template": f"{view.cloud.gateway}/{volumes.API}",
            "os_region_name": view.cloud.region,
        }
    if view.here.virt_type != "fake":
        sections["libvirt"] = {
            "virt_type": view.here.virt_type,
            "cpu_mode": "host-model" if view.here.virt_type == "kvm" else "none",
            **_disks(view),
            "wait_soft_reboot_seconds": 30,
            **(_migration(view) if view.peers else {}),
        }
    return {**common.files("nova", common.ini(sections)), **_policies.files(view, "nova")}


_OF_CONTROL = frozenset(
    {
        *("api", "api_database", "database", "keystone_authtoken", "keystone"),
        *("scheduler", "filter_scheduler", "conductor"),
    }
)
"""The sections that only control hosts need."""


def _driver(view: View) -> str:
    if view.here.virt_type == "fake":
        return contract.FAKE_COMPUTE_DRIVER
    # Volumes of other hosts are refused while the caller waits.
    stored_elsewhere = _volume_hosts(view) and view.here.name not in volumes.hosts(view).values()
    return contract.LIBVIRT_DRIVER if stored_elsewhere else "libvirt.LibvirtDriver"


FILTERS = (
    *("ComputeFilter", "ComputeCapabilitiesFilter", "ImagePropertiesFilter"),
    *("ServerGroupAntiAffinityFilter", "ServerGroupAffinityFilter"),
)
"""The filters that Nova's scheduler has enabled by default."""


def _volume_filter() -> common.Section:
    """For [filter_scheduler]: servers are placed on the host that stores their volumes."""
    return {
        "available_filters": contract.VOLUME_FILTERS,
        "enabled_filters": (*FILTERS, contract.VOLUME_FILTER),
    }


def _volume_hosts(view: View) -> dict[str, str]:
    """The environment of Nova's processes, if volumes are on one of several hosts; fake guests open none."""
    found = volumes.hosts(view) if view.peers and not view.cloud.fake_hosts else {}
    if not any(found.values()):
        return {}
    return {contract.VOLUME_HOSTS: ",".join(f"{backend}={host}" for backend, host in found.items())}


def _metadata(view: View) -> common.Section:
    """For [neutron]: the metadata API trusts Neutron's proxies to identify the guest."""
    if not view.control:
        return {}
    return {
        "service_metadata_proxy": True,
        "metadata_proxy_shared_secret": view.cloud.secrets[METADATA_SECRET],
    }


def _bus(view: View) -> common.Section:
    """[oslo_messaging_rabbit]: TLS, and quorum queues."""
    return {
        "ssl": True,
        "ssl_ca_file": CA,
        "ssl_cert_file": HOST_CERTIFICATE,
        "ssl_key_file": HOST_KEY,
        "ssl_enforce_hostname_verification": True,
        # All queues are quorum queues, which survive a restart of RabbitMQ.
        "rabbit_quorum_queue": True,
        "rabbit_transient_quorum_queue": True,
        # Queue names stay the same after a restart of a process; and they contain the host's name, which the
        # permissions in `bus_users` rely on.
        "use_queue_manager": True,
        "hostname": view.here.name,
        "processname": PROCESS,
        # Seconds until a connection counts as lost, and the maximum interval between attempts to connect.
        "heartbeat_timeout_threshold": 15,
        "rabbit_interval_max": 5,
    }


def _disks(view: View) -> common.Section:
    """For [libvirt]: where servers' own disks are.

    `writeback` uses the host's page cache, or librbd's, which is fast; the guest's flushes still reach the disk,
    which is safe.
    """
    if view.cloud.ceph is None:
        return {"images_type": "qcow2", "disk_cachemodes": "file=writeback"}
    return {
        "images_type": "rbd",
        "images_rbd_pool": managed_ceph.VMS,
        "images_rbd_ceph_conf": managed_ceph.CLIENT_CONF,
        "rbd_user": managed_ceph.CINDER.client,
        "rbd_secret_uuid": managed_ceph.libvirt_secret(view.cloud.secrets),
        # A configuration drive is a file of its host.
        "disk_cachemodes": ("network=writeback", "file=writeback"),
    }


def _migration(view: View) -> common.Section:
    """For [libvirt]: libvirt and QEMU connect to their peers on the other host directly, with TLS; and so does rsync,
    which copies the disks of guests that do not run."""
    return {
        "remote_filesystem_transport": "rsync",
        # Only in a URI can the path of the client's certificate be set. `%s` becomes the destination's
        # `live_migration_inbound_addr`.
        "live_migration_uri": f"qemu+tls://%s/system?pkipath={libvirt.TLS}",
        "live_migration_inbound_addr": view.here.address,
        "live_migration_with_native_tls": True,
        # Throttles a guest that writes faster than the network copies. With post-copy a lost connection would lose
        # the guest.
        "live_migration_permit_auto_converge": True,
    }


def _vnc(view: View) -> common.Section:
    """[vnc]: QEMU's VNC servers, and the page behind the API gateway for users with a token."""
    if not view.consoles:
        return {"enabled": False}
    page = f"{view.cloud.gateway}/{gateway.CONSOLE}"
    address = view.here.address if view.peers else view.backing.local
    return {
        "enabled": True,
        "server_listen": address,
        "server_proxyclient_address": address,
        "novncproxy_base_url": f"{page}/vnc_lite.html?path={gateway.CONSOLE}/websockify",
        **(_encrypted_consoles() if view.peers and view.control else {}),
    }


def _encrypted_consoles() -> common.Section:
    """For [vnc]: TLS between the proxy and QEMU. `none`: for guests that were started when the cloud had one host."""
    return {
        "auth_schemes": ("vencrypt", "none"),
        "vencrypt_ca_certs": CA,
        "vencrypt_client_cert": HOST_CERTIFICATE,
        "vencrypt_client_key": HOST_KEY,
    }


def _processes(view: View) -> tuple[Process, ...]:
    fake = view.here.virt_type == "fake"
    needs = local("ovs-vswitchd")
    more = {contract.FAKE_HOSTS: fake_hosts(view)} if fake else _volume_hosts(view)
    if "compute" in view.here.roles and not fake:
        needs += local(libvirt.NAME)
        if rsync.needed(view):
            needs += local(rsync.NAME)
            more = {**more, **rsync.nova_environment()}
    needs += storage.needs(view)
    if view.peers:
        needs += leader(rabbitmq.USERS)
    return (
        common.runner(
            view,
            "nova",
            PATH,
            needs=needs,
            workers={"control": ("api", "conductor", "scheduler"), "compute": ("compute",)},
            stop_seconds=STOP_SECONDS,
            # Certificates are read only at the start.
            reads=(
                *((CA, HOST_CERTIFICATE) if view.peers else ()),
                *(ceph.READS if view.cloud.ceph else ()),
            ),
            more=more,
        ),
    )


def fake_hosts(view: View) -> str:
    """Which of the fake driver's hosts are of the process on `view.here`: 50, or with several hosts 26-50.

    Each of the hosts that run guests has an equal share of them; one without that role has none.
    """
    if not view.peers:
        return str(view.cloud.fake_hosts)
    hosts = [each.name for each in view.hosts if "compute" in each.roles]
    if view.here.name not in hosts:
        return "0"
    place, number = hosts.index(view.here.name), view.cloud.fake_hosts
    first, last = place * number // len(hosts) + 1, (place + 1) * number // len(hosts)
    return f"{first}-{last}" if first <= last else "0"


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
