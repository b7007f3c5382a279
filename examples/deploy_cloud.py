#!/usr/bin/env python3
"""A whole OpenStack deployment through the Python builder, every thing and every tie of it checked.

    ./onestack up examples/scale.yaml --root /srv/try         # or any running cloud
    .venv/bin/python examples/deploy_cloud.py /srv/try        # the cloud's root; default: /

It needs a cloud that runs, and a host without servers for a zone of its own. It takes away what it made, unless
`--keep` is said.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

try:
    from onestack import Cloud
except ModuleNotFoundError:
    print(
        "error: this needs the project's own Python: .venv/bin/python, which ./onestack makes",
        file=sys.stderr,
    )
    sys.exit(2)

from onestack.build import Build
from onestack.core.errors import BadInput, OneStackError
from onestack.spec import Spec
from onestack.workloads.resources.aggregate import Aggregate
from onestack.workloads.resources.application_credential import ApplicationCredential
from onestack.workloads.resources.domain import Domain
from onestack.workloads.resources.flavor import Flavor
from onestack.workloads.resources.health_monitor import Monitor
from onestack.workloads.resources.image import Image
from onestack.workloads.resources.l7_policy import L7Policy
from onestack.workloads.resources.l7_rule import L7Rule
from onestack.workloads.resources.listener import Listener
from onestack.workloads.resources.load_balancer import LoadBalancer
from onestack.workloads.resources.member import Member
from onestack.workloads.resources.network import TenantNetwork
from onestack.workloads.resources.pool import Pool
from onestack.workloads.resources.quota import ComputeQuota, Quota
from onestack.workloads.resources.role import Role
from onestack.workloads.resources.router import Router
from onestack.workloads.resources.security_group import SecurityGroup
from onestack.workloads.resources.security_group_rule import Rule
from onestack.workloads.resources.server import Nic, Server
from onestack.workloads.resources.server_group import ServerGroup
from onestack.workloads.resources.snapshot import Snapshot
from onestack.workloads.resources.subnet import Subnet
from onestack.workloads.resources.user import User
from onestack.workloads.resources.volume import Volume

NAME = "deployment"


def build(image: Path, host: str) -> Spec:
    """The deployment as a spec."""
    made = Build(NAME)
    made.add(Domain(name="shop-domain", description="A domain of its own"))
    made.add(Role(name="shop-auditor"))
    made.add(Flavor(name="shop.small", vcpus=1, ram=128, disk=1))
    made.add(Aggregate(name="shop-hosts", zone="shop-zone", hosts=[host]))
    quota = Quota(compute=ComputeQuota(instances=10, cores=10))
    shop = made.tenant("shop-tenant", domain="shop-domain", description="The shop", quota=quota)
    shop.add(User(name="shop-user", roles=["member", "shop-auditor"], mfa=[["password"]]))
    shop.add(ApplicationCredential(name="shop-robot", user="shop-user", roles=["member"]))
    net = shop.add(TenantNetwork(name="shop-net", subnets=[Subnet(cidr="10.31.0.0/24")]))
    shop.add(Router(name="shop-edge", external="public", networks=[net.name]))
    web = shop.add(
        SecurityGroup(name="shop-web", rules=[Rule(protocol="tcp", ports=80), Rule(protocol="icmp")])
    )
    disk = shop.add(Image(name="shop-image", file=str(image), format="raw"))
    apart = shop.add(ServerGroup(name="shop-apart", policy="soft-anti-affinity"))
    data = shop.add(Volume(name="shop-data", size=1))
    shop.add(Snapshot(name="shop-before", volume=data.name))
    common = {"flavor": "shop.small", "networks": [Nic(network=net.name)], "security_groups": [web.name]}
    for number in (1, 2):
        shop.add(
            Server(
                name=f"shop-{number}",
                image=disk.name,
                server_group=apart.name,
                zone="shop-zone",
                volumes=[data.name] if number == 1 else [],
                **common,
            )
        )
    members = [Member(server=f"shop-{number}", port=80) for number in (1, 2)]
    shop.add(
        LoadBalancer(
            name="shop-www",
            network=net.name,
            floating_ip="public",
            pools=[Pool(name="shop-pool", members=members, monitor=Monitor(type="HTTP", path="/"))],
            listeners=[
                Listener(
                    name="shop-http",
                    port=80,
                    pool="shop-pool",
                    policies=[
                        L7Policy(name="api", pool="shop-pool", rules=[L7Rule(type="PATH", value="/api")])
                    ],
                )
            ],
        )
    )
    return made.spec()


def check(cloud: Cloud, host: str) -> None:
    """Assert that each thing, and each tie between things, is there."""
    admin = cloud.connect()
    identity, network, compute, balancing = admin.identity, admin.network, admin.compute, admin.load_balancer

    def only(listed: object, name: str) -> object:
        found = [one for one in listed if one.name == name]  # type: ignore[attr-defined]
        assert len(found) == 1, f"{name}: {len(found)} there"
        return found[0]

    domain = only(identity.domains(), "shop-domain")
    tenant = only(identity.projects(domain_id=domain.id), "shop-tenant")
    user = only(identity.users(domain_id=domain.id), "shop-user")
    role = only(identity.roles(), "shop-auditor")
    assert user.domain_id == domain.id, "user to domain"
    held = identity.role_assignments_filter(user=user, project=tenant)
    assert role.id in {one.id for one in held}, "role to user"
    assert user.options["multi_factor_auth_rules"] == [["password"]], "authentication policy"
    robot = only(identity.application_credentials(user=user), "shop-robot")
    assert {"name": "member"}.items() <= robot.roles[0].items() or len(robot.roles) > 1, "credential"
    assert admin.get_compute_quotas(tenant.id).instances == 10, "quota"
    only(compute.flavors(), "shop.small")
    aggregate = only(compute.aggregates(), "shop-hosts")
    assert host in aggregate.hosts, "compute host"
    net = only(network.networks(project_id=tenant.id), "shop-net")
    subnet = only(network.subnets(network_id=net.id), "shop-net")
    router = only(network.routers(project_id=tenant.id), "shop-edge")
    assert router.external_gateway_info["network_id"] == network.find_network("public").id, "way out"
    inside = [one for one in network.ports(device_id=router.id) if one.fixed_ips[0]["subnet_id"] == subnet.id]
    assert inside, "virtual switch to router"
    group = only(network.security_groups(project_id=tenant.id), "shop-web")
    assert {"tcp", "icmp"} <= {
        rule.protocol for rule in network.security_group_rules(security_group_id=group.id)
    }
    image = only(admin.image.images(owner=tenant.id), "shop-image")
    assert image.owner == tenant.id, "image to tenant"
    servers = [only(compute.servers(all_projects=True), f"shop-{number}") for number in (1, 2)]
    members = compute.get_server_group(
        only(compute.server_groups(all_projects=True), "shop-apart").id
    ).member_ids
    addresses = set()
    for server in servers:
        assert server.status == "ACTIVE" and server.image.id == image.id, "instance from image"
        assert server.id in members, "instance to server group"
        assert server.hypervisor_hostname == host, "instance to host"
        port = next(network.ports(device_id=server.id))
        assert port.security_group_ids == [group.id], "security group to instance"
        addresses.add(port.fixed_ips[0]["ip_address"])
    volume = only(admin.block_storage.volumes(all_projects=True), "shop-data")
    assert volume.attachments[0]["server_id"] == servers[0].id, "volume to instance"
    snapshot = only(admin.block_storage.snapshots(all_projects=True), "shop-before")
    assert snapshot.volume_id == volume.id, "snapshot to volume"
    balancer = only(balancing.load_balancers(), "shop-www")
    listener = only(balancing.listeners(), "shop-http")
    pool = only(balancing.pools(), "shop-pool")
    assert listener.default_pool_id == pool.id and pool.health_monitor_id, "pool and monitor"
    assert {one.address for one in balancing.members(pool)} == addresses, "members to load balancer"
    policy = only(balancing.l7_policies(), "api")
    assert [rule.rule_value for rule in balancing.l7_rules(policy)] == ["/api"], "rule of load balancer"
    assert any(one.port_id == balancer.vip_port_id for one in network.ips()), "floating IP to load balancer"


def main() -> None:
    """Deploy, check, and take it away again."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("root", nargs="?", default="/", help="the cloud's root")
    words.add_argument("--keep", action="store_true", help="leave it there")
    told = words.parse_args()
    try:
        deploy(Cloud(told.root), keep=told.keep)
    except OneStackError as error:
        print(f"error: {error.summary}\n  next:  {error.hint}", file=sys.stderr)
        sys.exit(error.exit_status)


def free_host(cloud: Cloud) -> str:
    """A host without servers: one that has some cannot come into another zone."""

    def look() -> str:
        compute = cloud.connect().compute
        used = {server.hypervisor_hostname for server in compute.servers(all_projects=True)}
        for host in compute.hypervisors():
            if host.name not in used:
                return str(host.name)
        raise BadInput("every host of this cloud has servers", hint="a cloud of its own: examples/scale.yaml")

    return cloud.run(look)


def deploy(cloud: Cloud, *, keep: bool) -> None:
    """The whole of it. Raises OneStackError."""
    host = free_host(cloud)
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "disk.raw"
        image.write_bytes(bytes(1 << 20))
        spec = build(image, host)
        outcome = cloud.apply(spec=spec, emit=lambda event: print(event.step, event.state, event.message))
        assert outcome.ok, outcome.as_dict()
        assert cloud.plan(spec).empty
    cloud.run(lambda: check(cloud, host))
    print(f"everything is there: {outcome.added} resources in {outcome.seconds:.0f} s")
    if not keep:
        outcome = cloud.apply(cloud.removal(spec), spec=spec)
        assert outcome.ok, outcome.as_dict()
        assert cloud.removal(spec).empty
        print("and gone again")


if __name__ == "__main__":
    main()
