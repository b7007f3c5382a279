"""The steps that need no guest: a tenant network, and the check that other tenants cannot see its resources."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from openstack.network.v2.network import Network
from openstack.network.v2.security_group import SecurityGroup
from openstack.network.v2.subnet import Subnet

from onestack.core.errors import PermanentError
from onestack.health.verify.report import Recorder
from onestack.health.verify.tenant import Tenant
from onestack.platform.isolation import expect_hidden

# Both tenants use the same CIDR, as tenants may; their allocation pools differ, so that the guests' addresses do.
CIDR = "10.234.56.0/24"
_POOLS = (("10.234.56.10", "10.234.56.99"), ("10.234.56.110", "10.234.56.199"))


@dataclass(frozen=True)
class Choice:
    """The names of the image, flavor and external network that test guests use."""

    image: str
    flavor: str
    external: str


@dataclass(frozen=True)
class TenantNetwork:
    """A tenant's network, the external network it is routed to, and a security group that admits the check."""

    tenant: Tenant
    network: Network
    subnet: Subnet
    group: SecurityGroup
    external: Network


def make_network(record: Recorder, owner: Tenant, external: str, step: str) -> TenantNetwork:
    """Create a network, a subnet, a router to the external network, a security group. Raises OneStackError."""
    name = owner.name
    with record.step(step, hint="onestack logs neutron; onestack logs ovn-controller") as at:
        cloud = owner.cloud.network
        external_network = cloud.find_network(external)
        if external_network is None:
            raise PermanentError(
                f"there is no network `{external}` that the tenant can see",
                hint="run `onestack up`, which creates the external network",
            )
        pool = _POOLS[name.endswith("-b")]
        network = cloud.create_network(name=f"{name}-net")
        subnet = cloud.create_subnet(
            name=f"{name}-subnet",
            network_id=network.id,
            ip_version=4,
            cidr=CIDR,
            allocation_pools=[{"start": pool[0], "end": pool[1]}],
        )
        gateway = {"network_id": external_network.id}
        router = cloud.create_router(name=f"{name}-router", external_gateway_info=gateway)
        cloud.add_interface_to_router(router.id, subnet.id)
        group = cloud.create_security_group(name=f"{name}-group")
        for protocol, port in (("icmp", None), ("tcp", 22), ("tcp", 80)):
            cloud.create_security_group_rule(
                security_group_id=group.id,
                direction="ingress",
                ethertype="IPv4",
                protocol=protocol,
                port_range_min=port,
                port_range_max=port,
            )
        at.outcome = f"{CIDR} behind a router on `{external}`"
    return TenantNetwork(owner, network, subnet, group, external_network)


def check_isolation(record: Recorder, owner: Tenant, other: Tenant, services: frozenset[str]) -> None:
    """Check that the other tenant can neither list nor get the owner's resources."""
    with record.check("second tenant sees nothing", hint="the policies of the service it names") as at:
        names: set[str] = set()
        hidden = 0
        mine, theirs = owner.cloud.network, other.cloud.network
        for network in mine.networks(project_id=owner.project.id):
            expect_hidden(f"network {network.name}", partial(theirs.get_network, network.id))
            hidden += 1
        for router in mine.routers():
            expect_hidden(f"router {router.name}", partial(theirs.get_router, router.id))
            hidden += 1
        for kind in (theirs.networks, theirs.routers, theirs.ports, theirs.security_groups, theirs.ips):
            names |= {str(found.name) for found in kind() if found.project_id == owner.project.id}
        if "compute" in services:
            for server in owner.cloud.compute.servers(details=False):
                expect_hidden(f"server {server.name}", partial(other.cloud.compute.get_server, server.id))
                hidden += 1
            names |= {server.name for server in other.cloud.compute.servers() if owner.name in server.name}
        if names:
            raise PermanentError(f"the second tenant's lists show the first one's {', '.join(sorted(names))}")
        at.outcome = f"{hidden} resources requested by id, none found"
