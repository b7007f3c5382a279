"""Tenants whose users log in at the dashboard, with a network that servers can be put on."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from openstack.connection import Connection

from onestack import Cloud

CIDR = "10.91.0.0/24"


@dataclass(frozen=True)
class Tenant:
    """A user and the project of the same name, in a domain."""

    name: str
    password: str
    domain: str
    project: str
    """The project's id."""

    def connect(self, cloud: Cloud) -> Connection:
        """A connection as this user; the calling thread must be in the cloud's network."""
        return cloud.connect(user=self.name, password=self.password, project=self.name)


def create(cloud: Cloud, name: str, domain: str = "Default") -> Tenant:
    """Make domain (if it is another than the default one), project and user."""

    def make() -> Tenant:
        admin: Any = cloud.connect().identity
        there = admin.find_domain(domain) or admin.create_domain(name=domain)
        project = admin.create_project(name=name, domain_id=there.id)
        password = secrets.token_urlsafe(16)
        user = admin.create_user(name=name, password=password, domain_id=there.id)
        admin.assign_project_role_to_user(project, user, admin.find_role("member"))
        return Tenant(name, password, domain, project.id)

    return cloud.run(make)


def furnish(cloud: Cloud, tenant: Tenant) -> None:
    """Give a tenant of the default domain a network with a way out, and let pings and HTTP in."""

    def make() -> None:
        net = tenant.connect(cloud).network
        public = net.find_network("public", ignore_missing=False)
        network = net.create_network(name=f"{tenant.name}-net")
        subnet = net.create_subnet(name=network.name, network_id=network.id, ip_version=4, cidr=CIDR)
        router = net.create_router(name=network.name, external_gateway_info={"network_id": public.id})
        net.add_interface_to_router(router.id, subnet.id)
        group = next(iter(net.security_groups(name="default")))
        for protocol, port in (("icmp", None), ("tcp", 80)):
            net.create_security_group_rule(
                security_group_id=group.id,
                direction="ingress",
                ethertype="IPv4",
                protocol=protocol,
                port_range_min=port,
                port_range_max=port,
            )

    cloud.run(make)
