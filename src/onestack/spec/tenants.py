"""A tenant: a project with its users, its limits and all that it runs."""

from __future__ import annotations

from collections.abc import Iterator

from onestack.spec import scaling_groups
from onestack.spec.balancing import LoadBalancer
from onestack.spec.computing import FLAVORS, Image, Keypair, Server, ServerGroup
from onestack.spec.identity import ApplicationCredential, Group, User
from onestack.spec.networking import (
    AddressGroup,
    FloatingIP,
    Port,
    QosPolicy,
    Router,
    SecurityGroup,
    TenantNetwork,
)
from onestack.spec.scaling_groups import ScalingGroup
from onestack.spec.storage import Backup, Snapshot, Volume
from onestack.spec.types import Bool, Problem, Section, Text, example
from onestack.spec.words import Counted, DomainRef, Limit, TemplateRef

Most = Limit | None


class ComputeQuota(Section):
    """How much of Nova a tenant may use."""

    model_config = example(
        "tenants: [{name: shop, quota: {compute: {instances: 20, cores: 40, ram: 81920}}}]\n"
    )

    instances: Most = None
    """Servers."""
    cores: Most = None
    """Virtual CPUs."""
    ram: Most = None
    """Memory, in MiB."""
    key_pairs: Most = None
    """Key pairs of each user."""
    server_groups: Most = None
    """Server groups."""
    server_group_members: Most = None
    """Servers in a server group."""
    metadata_items: Most = None
    """Metadata of a server."""


class NetworkQuota(Section):
    """How much of Neutron a tenant may use."""

    model_config = example("tenants: [{name: shop, quota: {network: {networks: 4, floating_ips: 5}}}]\n")

    networks: Most = None
    """Networks."""
    subnets: Most = None
    """Subnets."""
    ports: Most = None
    """Ports."""
    routers: Most = None
    """Routers."""
    floating_ips: Most = None
    """Floating IPs."""
    security_groups: Most = None
    """Security groups."""
    security_group_rules: Most = None
    """Rules of security groups."""


class VolumeQuota(Section):
    """How much of Cinder a tenant may use."""

    model_config = example("tenants: [{name: shop, quota: {volume: {volumes: 10, gigabytes: 200}}}]\n")

    volumes: Most = None
    """Volumes."""
    gigabytes: Most = None
    """Volumes and snapshots together, in GiB."""
    snapshots: Most = None
    """Snapshots."""
    backups: Most = None
    """Backups."""
    backup_gigabytes: Most = None
    """Backups together, in GiB."""
    per_volume_gigabytes: Most = None
    """A volume's size, in GiB."""


class BalancerQuota(Section):
    """How much of Octavia a tenant may use."""

    model_config = example("tenants: [{name: shop, quota: {load_balancer: {load_balancers: 2}}}]\n")

    load_balancers: Most = None
    """Load balancers."""
    listeners: Most = None
    """Listeners."""
    pools: Most = None
    """Pools."""
    members: Most = None
    """Members."""
    health_monitors: Most = None
    """Health monitors."""


class Quota(Section):
    """How much a tenant may use; -1: without limit. What is not said is OpenStack's default."""

    model_config = example("""\
tenants:
  - name: shop
    quota:
      compute: {instances: 20, cores: 40, ram: 81920}
      network: {floating_ips: 5}
""")

    compute: ComputeQuota = ComputeQuota()
    """Servers and what they are made of."""
    network: NetworkQuota = NetworkQuota()
    """Networks and what is in them."""
    volume: VolumeQuota = VolumeQuota()
    """Volumes, snapshots and backups."""
    load_balancer: BalancerQuota = BalancerQuota()
    """Load balancers and their parts."""


class Tenant(Counted):
    """A tenant: a project of Keystone's with its users, its limits, and all that it runs."""

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
    """The template it is made from; what is said here goes before what the template says."""
    domain: DomainRef = "Default"
    """The domain that it and its users and groups belong to."""
    description: Text = ""
    """What it is for."""
    enabled: Bool = True
    """Whether its users may do anything in it."""
    quota: Quota = Quota()
    """How much it may use."""
    users: tuple[User, ...] = ()
    """Who may log in."""
    groups: tuple[Group, ...] = ()
    """Users that have roles together."""
    application_credentials: tuple[ApplicationCredential, ...] = ()
    """What programs log in with."""
    networks: tuple[TenantNetwork, ...] = ()
    """Its private networks."""
    routers: tuple[Router, ...] = ()
    """What connects them."""
    security_groups: tuple[SecurityGroup, ...] = ()
    """What may reach servers."""
    address_groups: tuple[AddressGroup, ...] = ()
    """Addresses that rules name together."""
    qos_policies: tuple[QosPolicy, ...] = ()
    """How much may go through ports."""
    ports: tuple[Port, ...] = ()
    """Places in networks that are kept apart from servers."""
    floating_ips: tuple[FloatingIP, ...] = ()
    """Public addresses."""
    keypairs: tuple[Keypair, ...] = ()
    """Keys that servers let in."""
    images: tuple[Image, ...] = ()
    """Its own images."""
    server_groups: tuple[ServerGroup, ...] = ()
    """Servers that are kept together or apart."""
    volumes: tuple[Volume, ...] = ()
    """Its disks."""
    snapshots: tuple[Snapshot, ...] = ()
    """Volumes as they were."""
    backups: tuple[Backup, ...] = ()
    """Copies of volumes."""
    servers: tuple[Server, ...] = ()
    """Its virtual machines."""
    load_balancers: tuple[LoadBalancer, ...] = ()
    """What spreads requests over servers."""
    scaling_groups: tuple[ScalingGroup, ...] = ()
    """Servers whose number follows the load."""

    def problems(self) -> Iterator[Problem]:
        pools = {one.name: tuple(pool.name for pool in one.pools) for one in self.load_balancers}
        yield from scaling_groups.problems(self.scaling_groups, pools)


class Template(Tenant):
    """What several tenants have in common; a tenant takes it with `like`, and may say `${tenant}` in it."""

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


def furnished() -> dict[str, tuple[str, ...]]:
    """What every cloud has without being told, by the key it would be listed under."""
    return {
        "domains": ("Default",),
        "networks": ("public",),
        "images": ("tiny",),
        "flavors": tuple(FLAVORS),
        "security_groups": ("default",),
        "roles": ("admin", "manager", "member", "reader", "service"),
    }
