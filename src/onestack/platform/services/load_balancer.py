"""Octavia: its API, the driver agent and the providers' own workers in one process."""

from __future__ import annotations

from onestack.core import contract
from onestack.core.contract import LIB, RUN
from onestack.platform.services import _common as common
from onestack.platform.shape import Database, Endpoint, Folder, Process, Service, local
from onestack.platform.view import View

PATH = contract.API_PATHS["octavia"]
STATE = f"{LIB}/octavia"
SOCKETS = f"{RUN}/octavia"

# Loggers that report each option at every start, missing Cinder, Nova and Glance, and providers that create no ports.
_QUIET = ("octavia.api.app=WARN", "openstack=ERROR", "octavia.api.drivers.utils=WARN")

_PROVIDERS = {
    contract.BALANCER_PROVIDER: "HAProxy in a network namespace on the tenant's network",
    "ovn": "OVN's own load balancing at L4",
}
_ALIASES = dict.fromkeys(
    contract.BALANCER_ALIASES, "Another name of the provider haproxy; no virtual machine is started"
)


def _files(view: View) -> dict[str, str]:
    text = common.ini(
        {
            "DEFAULT": {
                **common.logging(),
                "default_log_levels": (*common.QUIET, *_QUIET),
                "host": view.here.name,
                "transport_url": view.backing.process_transport_url,
            },
            "api_settings": {
                "auth_strategy": "keystone",
                "enabled_provider_drivers": tuple(f"{n}:{what}" for n, what in _enabled(view).items()),
                "default_provider_driver": view.cloud.balancer_providers[0],
                "allow_ping_health_monitors": True,
            },
            "database": common.database(view, "octavia", "octavia"),
            "keystone_authtoken": common.authtoken(view, "octavia"),
            "service_auth": common.credentials(view, "octavia"),
            "neutron": common.client(view, "octavia", "networking"),
            "controller_worker": {
                "network_driver": "allowed_address_pairs_driver",
                # Balancers are not servers: Nova, Cinder and Glance are not used.
                "compute_driver": "compute_noop_driver",
                "volume_driver": "volume_noop_driver",
                "image_driver": "image_noop_driver",
            },
            "networking": {
                # The peer port, which only pairs of amphorae use, is not opened to other addresses.
                "use_remote_group_for_lb_peer_ports": True,
            },
            "certificates": {
                "cert_manager": contract.CERTIFICATE_MANAGER,
                "storage_path": contract.CERTIFICATES,
            },
            "haproxy_amphora": {
                "base_path": f"{STATE}/balancers",
                "base_cert_dir": f"{STATE}/balancers",
                # For listeners without a limit. HAProxy reserves memory and file descriptors for this number.
                "default_connection_limit": 5000,
            },
            "driver_agent": {
                "status_socket_path": f"{SOCKETS}/status.sock",
                "stats_socket_path": f"{SOCKETS}/stats.sock",
                "get_socket_path": f"{SOCKETS}/get.sock",
            },
            "ovn": {
                "ovn_nb_connection": view.backing.ovn_north,
                "ovn_sb_connection": view.backing.ovn_south,
                **common.ovn_certificates(view.backing.ovn_north, view.backing.ovn_south),
            }
            if "ovn" in view.cloud.balancer_providers
            else {},
            **common.lock_path("octavia"),
            **common.proxied(),
        }
    )
    return common.files("octavia", text)


def _enabled(view: View) -> dict[str, str]:
    """Provider -> description, the default first."""
    aliases = _ALIASES if contract.BALANCER_PROVIDER in view.cloud.balancer_providers else {}
    return {name: _PROVIDERS[name] for name in view.cloud.balancer_providers} | aliases


def _processes(view: View) -> tuple[Process, ...]:
    needs = local("ovsdb", "ovs-vswitchd")
    # The HAProxies and their certificates are on the leader, and so is what makes them.
    more = {} if view.leads else {contract.WORKERS: contract.API_ONLY}
    return (common.runner(view, "octavia", PATH, needs=needs, stop_seconds=20, more=more),)


SERVICE = Service(
    type="load-balancer",
    name="octavia",
    requires=("identity", "network"),
    databases=(Database("octavia", "octavia"),),
    migrations=lambda view: common.migration("octavia"),
    files=_files,
    processes=_processes,
    folders=(Folder(STATE, mode=0o711), Folder(SOCKETS, mode=0o700)),
    endpoint=Endpoint(PATH, leader_first=True),
    user="octavia",
)
