"""Tempest's configuration for this cloud: its services, features and guests. Pure.

Each feature that is off has a comment with the reason, since it makes Tempest skip tests.
"""

from __future__ import annotations

import configparser
import io
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from onestack.core import contract

# Networks that Tempest's tests create are in the first of these ranges that is free.
_TEST_NETWORKS = ("10.100.0.0/16", "10.200.0.0/16", "192.168.128.0/17")


@dataclass(frozen=True)
class Target:
    """The cloud, as Tempest's configuration needs it. `folder`: where Tempest may write, as seen inside the
    namespace."""

    folder: str
    auth_url: str
    username: str
    password: str = field(repr=False)
    project_name: str
    domain_name: str
    region: str
    services: frozenset[str]
    hosts: tuple[str, ...] = ()
    """The names of the compute hosts that are up."""
    shared_volumes: bool = False
    """Whether a volume of the default type can be attached on each of them."""
    guests: bool = False
    """Whether servers have real guests (not with Nova's fake driver)."""
    image: str = ""
    flavor: str = ""
    flavor_alt: str = ""
    external: str = ""
    """The external network's id."""
    external_name: str = ""
    external_cidrs: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    """The aliases of the Network API's extensions."""
    providers: tuple[tuple[str, str], ...] = ()
    """Octavia's providers: name and description, the default first."""
    dashboard: str = ""
    """The URL of the web page, if the cloud has one."""
    ssh_user: str = "root"
    ca_file: str | None = None


def free_network(taken: tuple[str, ...]) -> str:
    """A range for the tests' networks that overlaps none of `taken`."""
    others = [ipaddress.ip_network(cidr) for cidr in taken]
    for cidr in _TEST_NETWORKS:
        here = ipaddress.ip_network(cidr)
        if not any(here.version == other.version and here.overlaps(other) for other in others):
            return cidr
    return _TEST_NETWORKS[0]


def sections(target: Target) -> Mapping[str, Mapping[str, object]]:
    """The configuration as data: section -> option -> value."""
    return {
        "DEFAULT": {
            "log_file": f"{target.folder}/tempest.log",
            "use_stderr": False,
        },
        "oslo_concurrency": {"lock_path": f"{target.folder}/locks"},
        "auth": {
            "use_dynamic_credentials": True,
            "create_isolated_networks": "network" in target.services,
            "tempest_roles": "member",
            "admin_username": target.username,
            "admin_password": target.password,
            "admin_project_name": target.project_name,
            "admin_domain_name": target.domain_name,
        },
        "identity": {
            "auth_version": "v3",
            "uri_v3": target.auth_url,
            "region": target.region,
            "v3_endpoint_type": "public",
            **({"ca_certificates_file": target.ca_file} if target.ca_file else {}),
        },
        **_dashboard(target),
        "identity-feature-enabled": {"api_v2": False, "api_v2_admin": False},
        "service_available": {
            "glance": "image" in target.services,
            "nova": "compute" in target.services,
            "neutron": "network" in target.services,
            "cinder": bool({"block-storage", "volumev3"} & target.services),
            "swift": "object-store" in target.services,
            "horizon": bool(target.dashboard),
            "load_balancer": "load-balancer" in target.services,
        },
        "compute": {
            "image_ref": target.image,
            "image_ref_alt": target.image,
            "flavor_ref": target.flavor,
            "flavor_ref_alt": target.flavor_alt,
            "fixed_network_name": "",
            "min_compute_nodes": max(len(target.hosts), 1),
            "max_microversion": "latest",
            **_migration_hosts(target),
        },
        "compute-feature-enabled": {
            "console_output": target.guests,
            "resize": True,
            "pause": True,
            "suspend": True,
            "shelve": True,
            "snapshot": target.guests,
            "rescue": target.guests,
            "interface_attach": True,
            "metadata_service": True,
            # Both migrate a server to another host.
            "cold_migration": several(target),
            "live_migration": several(target),
            # Guests' disks are files of their host: a live migration copies them.
            "block_migration_for_live_migration": several(target) and target.guests,
            "volume_backed_live_migration": several(target) and target.shared_volumes,
            # Needs an agent in the guest that sets the password.
            "change_password": False,
            # Guests have a serial console and no display.
            "vnc_console": False,
            "spice_console": False,
            # Nova removed file injection in microversion 2.57.
            "personality": False,
            "attach_encrypted_volume": False,
        },
        "placement": {"max_microversion": "latest"},
        "image-feature-enabled": {"import_image": True},
        "network": {
            "project_network_cidr": free_network(target.external_cidrs),
            "project_network_mask_bits": 28,
            "public_network_id": target.external,
            "floating_network_name": target.external_name,
            # Guests are reached from outside by floating IPs only, as for any user.
            "project_networks_reachable": False,
        },
        "network-feature-enabled": {
            # Without this list Tempest assumes all extensions that it knows.
            "api_extensions": ",".join(target.extensions) or "all",
            "ipv6": True,
            "ipv6_subnet_attributes": True,
            "port_security": True,
            "floating_ips": bool(target.external),
        },
        "volume": {
            "catalog_type": "block-storage",
            "endpoint_type": "public",
            "min_microversion": "3.0",
            "max_microversion": "latest",
            # The file backend's own values; tests create volume types with them.
            "storage_protocol": contract.FILE_PROTOCOL,
            "vendor_name": contract.VENDOR,
            "backup_driver": "posix",
        },
        "volume-feature-enabled": {
            "backup": True,
            "snapshot": True,
            "clone": True,
            # With Nova's fake driver there is no QEMU that grows the file.
            "extend_attached_volume": target.guests,
            # Needs a key manager.
            "extend_attached_encrypted_volume": False,
            # Both need several backends, or file names that only their operator knows.
            "multi_backend": False,
            "manage_volume": False,
            "manage_snapshot": False,
        },
        "validation": {
            "run_validation": target.guests,
            "connect_method": "floating",
            "auth_method": "keypair",
            "network_for_ssh": target.external_name,
            "image_ssh_user": target.ssh_user,
            "image_alt_ssh_user": target.ssh_user,
            "ping_timeout": 120,
            "ssh_timeout": 180,
        },
        "scenario": {"dhcp_client": "udhcpc"},
        **_balancers(target),
    }


def _dashboard(target: Target) -> Mapping[str, Mapping[str, object]]:
    """The section of the web page; an empty URL is no URL to Tempest, which would not run."""
    if not target.dashboard:
        return {}
    return {
        "dashboard": {
            "dashboard_url": target.dashboard,
            # This one has no option for a CA file.
            "disable_ssl_certificate_validation": target.ca_file is not None,
        }
    }


def several(target: Target) -> bool:
    """Whether guests can move between hosts."""
    return len(target.hosts) > 1


def _migration_hosts(target: Target) -> Mapping[str, object]:
    """For [compute]: from where to where the tests migrate that name hosts."""
    if not several(target):
        return {}
    return {"migration_source_host": target.hosts[0], "migration_dest_host": target.hosts[1]}


def _balancers(target: Target) -> Mapping[str, Mapping[str, object]]:
    """The sections of octavia-tempest-plugin."""
    if "load-balancer" not in target.services:
        return {}
    return {
        "load_balancer": {
            "provider": target.providers[0][0] if target.providers else "",
            "enabled_provider_drivers": ",".join(f"{name}:{what}" for name, what in target.providers),
            "RBAC_test_type": "keystone_default_roles",
            "region": target.region,
            # The plugin's defaults are for amphorae, which take minutes.
            "build_interval": 0.5,
            "lb_build_interval": 0.5,
            "check_interval": 0.5,
            "lb_build_timeout": 180,
        },
        "enforce_scope": {"octavia": True},
        "loadbalancer-feature-enabled": {
            # HAProxy does not support UDP: the plugin skips refused options.
            "not_implemented_is_error": False,
            "log_offload_enabled": False,
            # Those tests store their certificates in Barbican.
            "terminated_tls_enabled": False,
        },
    }


def render(target: Target) -> str:
    """The text of tempest.conf. It contains the administrator's password."""
    parser = configparser.RawConfigParser(default_section="")
    parser.read_dict(
        {
            name: {option: _text(value) for option, value in options.items()}
            for name, options in sections(target).items()
        }
    )
    out = io.StringIO()
    parser.write(out)
    return out.getvalue()


def _text(value: object) -> str:
    # oslo.config replaces $name in values; $$ is a dollar sign.
    return str(value).lower() if isinstance(value, bool) else str(value).replace("$", "$$")
