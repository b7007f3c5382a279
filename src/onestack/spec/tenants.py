"""A tenant: a project with its users, quotas and resources."""

from __future__ import annotations

from collections.abc import Iterator

from onestack.language.types import Bool, Name, Problem, Text, example
from onestack.language.words import Counted, DomainRef, TemplateRef
from onestack.workloads.resources.address_group import AddressGroup
from onestack.workloads.resources.application_credential import ApplicationCredential
from onestack.workloads.resources.backup import Backup
from onestack.workloads.resources.floating_ip import FloatingIP
from onestack.workloads.resources.group import Group
from onestack.workloads.resources.image import Image
from onestack.workloads.resources.keypair import Keypair
from onestack.workloads.resources.load_balancer import LoadBalancer
from onestack.workloads.resources.network import TenantNetwork
from onestack.workloads.resources.port import Port
from onestack.workloads.resources.qos_policy import QosPolicy
from onestack.workloads.resources.quota import Quota
from onestack.workloads.resources.router import Router
from onestack.workloads.resources.scaling_group import ScalingGroup, pool_problems
from onestack.workloads.resources.security_group import SecurityGroup
from onestack.workloads.resources.server import Server
from onestack.workloads.resources.server_group import ServerGroup
from onestack.workloads.resources.snapshot import Snapshot
from onestack.workloads.resources.user import User
from onestack.workloads.resources.volume import Volume


class Tenant(Counted):
    """A tenant: a project in Keystone with its users, quotas and resources."""

    model_config = example("""\
tenants:
  - name: shop
    description: The web shop
    users: [{name: anna, roles: [member]}]
    quota: {compute: {instances: 10}}
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    routers: [{name: edge, external: public, networks: [front]}]
    servers:
      - {name: web, image: tiny, flavor: m1.nano, networks: [{network: front}]}
""")

    like: TemplateRef | None = None
    """The template that it is based on; values here override the template's."""
    cloud: Name | None = None
    """The cloud that it is in, one of the file's `clouds`. Default: `here`, where the file lists clouds."""
    domain: DomainRef = "Default"
    """The domain of the tenant and of its users and groups."""
    description: Text = ""
    """Its description, free text."""
    enabled: Bool = True
    """Whether the project is enabled."""
    quota: Quota = Quota()
    """Its quotas."""
    users: tuple[User, ...] = ()
    groups: tuple[Group, ...] = ()
    application_credentials: tuple[ApplicationCredential, ...] = ()
    networks: tuple[TenantNetwork, ...] = ()
    routers: tuple[Router, ...] = ()
    security_groups: tuple[SecurityGroup, ...] = ()
    address_groups: tuple[AddressGroup, ...] = ()
    qos_policies: tuple[QosPolicy, ...] = ()
    ports: tuple[Port, ...] = ()
    floating_ips: tuple[FloatingIP, ...] = ()
    keypairs: tuple[Keypair, ...] = ()
    images: tuple[Image, ...] = ()
    server_groups: tuple[ServerGroup, ...] = ()
    volumes: tuple[Volume, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    backups: tuple[Backup, ...] = ()
    servers: tuple[Server, ...] = ()
    load_balancers: tuple[LoadBalancer, ...] = ()
    scaling_groups: tuple[ScalingGroup, ...] = ()

    def problems(self) -> Iterator[Problem]:
        pools = {one.name: tuple(pool.name for pool in one.pools) for one in self.load_balancers}
        yield from pool_problems(self.scaling_groups, pools)


class Template(Tenant):
    """A template for tenants, which use it with `like`. `${tenant}` in it is the tenant's name."""

    model_config = example("""\
variables: {size: m1.nano}
templates:
  - name: standard
    quota: {compute: {instances: 20}}
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    servers: [{name: web, count: 2, image: tiny, flavor: "${size}", networks: [{network: front}]}]
tenants:
  - {name: red, like: standard}
  - {name: blue, like: standard, quota: {compute: {instances: 5}}}
""")
