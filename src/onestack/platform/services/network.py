"""Neutron with ML2/OVN; its process includes the OVN agent, which proxies guests' metadata requests."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from onestack.core import contract
from onestack.core.contract import ENVIRONMENT, LIB, RUN
from onestack.core.events import Emit
from onestack.platform import announcing, floating_ips
from onestack.platform.infrastructure import gateway, ovn
from onestack.platform.places import CA, HOST_CERTIFICATE, HOST_KEY
from onestack.platform.services import _common as common
from onestack.platform.services import _policies
from onestack.platform.shape import (
    Database,
    Endpoint,
    Folder,
    Process,
    Service,
    Step,
    leader,
    local,
)
from onestack.platform.view import View

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

PATH = contract.API_PATHS["neutron"]
STATE = f"{LIB}/neutron"
METADATA_SECRET = "metadata"
"""The shared secret with which Neutron's metadata proxy signs requests to Nova's metadata API."""

_PLUGINS = ("ovn-router", "qos", "port_forwarding", "trunk")
_EXTENSIONS = ("port_security", "qos")


def _files(view: View) -> dict[str, str]:
    compute = "compute" in view.cloud.services
    neutron = common.ini(
        {
            "DEFAULT": {
                **common.logging(),
                "host": view.here.name,
                "state_path": STATE,
                "transport_url": view.backing.process_transport_url,
                "core_plugin": "ml2",
                "service_plugins": _PLUGINS,
                "api_paste_config": f"{ENVIRONMENT}/etc/neutron/api-paste.ini",
                "auth_strategy": "keystone",
                "global_physnet_mtu": view.cloud.mtu,
                "notify_nova_on_port_status_changes": compute,
                "notify_nova_on_port_data_changes": compute,
                "api_workers": 1,
                "rpc_workers": 0,
                "rpc_state_report_workers": 0,
                "metadata_proxy_shared_secret": view.cloud.secrets[METADATA_SECRET],
                "metadata_proxy_socket": f"{RUN}/neutron/metadata_proxy",
                "nova_metadata_host": _metadata_host(view),
                "nova_metadata_port": gateway.METADATA_PORT,
                **({} if view.control else _metadata_from_elsewhere()),
            },
            **(_of_the_api(view) if view.control else {}),
            # The process is root in its namespace, so it needs no root helper.
            "agent": {"root_helper": "env", "extensions": "metadata"},
            "ovs": {"ovsdb_connection": view.backing.switch},
            **_policies.option(view, "neutron"),
            **common.lock_path("neutron"),
            **common.proxied(),
        }
    )
    ml2 = common.ini(
        {
            "ml2": {
                "type_drivers": ("local", "flat", "vlan", "geneve"),
                "tenant_network_types": "geneve",
                "mechanism_drivers": (contract.FAKE_MECHANISM_DRIVER, "ovn")
                if view.here.virt_type == "fake"
                else "ovn",
                "extension_drivers": _EXTENSIONS,
                "path_mtu": view.cloud.mtu,
                "overlay_ip_version": 4,
            },
            "ml2_type_flat": {"flat_networks": "public"},
            # The administrator may create networks with any VLAN id; tenants' networks do not use VLANs.
            "ml2_type_vlan": {"network_vlan_ranges": "public"},
            "ml2_type_geneve": {"vni_ranges": "1:65536", "max_header_size": 38},
            "securitygroup": {"enable_security_group": True},
            "ovn": {
                **_databases_of_ovn(view),
                "ovn_metadata_enabled": True,
                # Upstream's default is a minute.
                "ovsdb_probe_interval": ovn.MEMBER_PROBE if view.replicated else None,
                # Floating IPs are distributed to the servers' hosts only if all compute hosts reach the external
                # network; otherwise they are on the host with the active gateway of their router.
                "enable_distributed_floating_ip": ovn.reached_everywhere(view),
                "stateless_nat_enabled": floating_ips.stateless(view),
                "ovn_l3_scheduler": "leastloaded",
                **(_failover() if view.peers else {}),
                "dns_servers": _dns_servers(view),
                # The maintenance worker repairs differences, by revision numbers; a complete comparison at each start
                # takes long in a large cloud.
                "neutron_sync_mode": "off",
            },
        }
    )
    return {**common.files("neutron", neutron, ml2), **_policies.files(view, "neutron")}


def _of_the_api(view: View) -> dict[str, common.Section]:
    """The sections that only the API needs: the agent on another host uses only OVN's database and Nova's metadata
    API."""
    compute, placement = "compute" in view.cloud.services, "placement" in view.cloud.services
    return {
        "database": common.database(view, "neutron", "neutron"),
        "keystone_authtoken": common.authtoken(view, "neutron"),
        # Without these services their users do not exist.
        "nova": {**common.credentials(view, "nova"), "endpoint_type": "internal"} if compute else {},
        "placement": common.client(view, "placement", "placement") if placement else {},
    }


def _failover() -> common.Section:
    """For [ovn]: how soon hosts notice that the one with the active gateway of a router is lost, by BFD in their
    tunnels: after 1.5 s, half of upstream's time. Upstream's strategy `aggressive`, with the same intervals, writes
    500.0, which OVN does not read."""
    return {
        "ha_failover_strategy": "manual",
        "bfd_min_rx": 500,
        "bfd_min_tx": 100,
        "bfd_mult": 3,
    }


def _metadata_host(view: View) -> str:
    """Where the agent finds Nova's metadata API: on this host, or on a control host."""
    if view.control:
        return view.backing.local
    return view.cloud.address or view.leader.address


def _metadata_from_elsewhere() -> common.Section:
    """For [DEFAULT]: how the agent reaches the metadata API on the leader."""
    return {
        "nova_metadata_protocol": "https",
        "auth_ca_cert": CA,
        "nova_client_cert": HOST_CERTIFICATE,
        "nova_client_priv_key": HOST_KEY,
    }


def _databases_of_ovn(view: View) -> common.Section:
    """For [ovn]: the databases. The agent does not use the northbound one."""
    north = view.backing.ovn_north if view.control else None
    south = view.backing.ovn_south
    found: common.Section = {"ovn_nb_connection": north, "ovn_sb_connection": south}
    return {**found, **common.ovn_certificates(north, south)}


def _dns_servers(view: View) -> tuple[str, ...]:
    """The DNS servers of subnets that name none. If the option were empty, Neutron would use /etc/resolv.conf with
    its loopback addresses; an unspecified address means that there are none."""
    families = {4: "0.0.0.0", 6: "::"}
    there = {ipaddress.ip_address(server).version for server in view.cloud.dns_servers}
    return (*view.cloud.dns_servers, *(none for version, none in families.items() if version not in there))


def _processes(view: View) -> tuple[Process, ...]:
    return (
        common.runner(
            view,
            "neutron",
            PATH,
            needs=(*local("ovsdb", "ovn-controller"), *leader("ovn-northd")),
            workers={"control": ("api",), "compute": ("agent",)},
            reads=(CA, HOST_CERTIFICATE) if view.peers else (),
        ),
    )


def _announce(site: Site, node: Node, emit: Emit) -> None:
    """Have the external network know where floating IPs are, after the cloud grew or shrank."""
    announcing.ensure(node, emit, centralized=not ovn.reached_everywhere(site.view_of(node)))


def _translate(site: Site, node: Node, emit: Emit) -> None:
    """Have the floating IPs that are there translated as new ones are."""
    floating_ips.ensure(node, emit, wanted=floating_ips.stateless(site.view_of(node)))


SERVICE = Service(
    type="network",
    name="neutron",
    requires=("identity",),
    databases=(Database("neutron", "neutron"),),
    migrations=lambda view: common.migration("neutron"),
    files=_files,
    processes=_processes,
    steps=lambda view: (
        Step(announcing.STEP, _announce, local("neutron"), scope="leader"),
        Step(floating_ips.STEP, _translate, local("neutron"), scope="leader"),
    ),
    folders=(Folder(STATE),),
    endpoint=Endpoint(PATH),
    user="neutron",
    secrets=(METADATA_SECRET,),
)
