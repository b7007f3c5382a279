"""How fast a spec is applied: the classic case (5 tenants of 20 servers) against the same, call after call.

    python bench/apply.py [--root DIR] [--tenants 5] [--servers 20]

Prints one JSON value: resources a second by `apply`, and by openstacksdk with one call after another for one
tenant of the same stack in the same run; how long a plan takes with nothing to do. openstacksdk looks every 2 s
whether a server is there unless told otherwise; it is compared with once so, and once looking four times as often,
which is as fast as it gets. Without a root a cloud of pretended hosts is brought up and taken away; with one, that
must have room for the servers.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import measuring

from onestack import Cloud, spec


def stack(tenants: int, servers: int, name: str = "bench") -> dict[str, Any]:
    """The spec of tenants with users, limits, a network, a router, a group and servers."""
    template = {
        "name": "standard",
        "quota": {"compute": {"instances": -1, "cores": -1, "ram": -1}},
        "users": [{"name": "${tenant}-user", "roles": ["member"]}],
        "networks": [{"name": "net", "subnets": [{"cidr": "10.1.0.0/24"}]}],
        "routers": [{"name": "edge", "external": "public", "networks": ["net"]}],
        "security_groups": [{"name": "web", "rules": [{"protocol": "tcp", "ports": 80}]}],
        "servers": [
            {
                "name": "web",
                "count": servers,
                "image": "tiny",
                "flavor": "m1.nano",
                "networks": [{"network": "net"}],
                "security_groups": ["web"],
            }
        ],
    }
    return {
        "name": name,
        "templates": [template],
        "tenants": [{"name": f"{name}", "count": tenants, "like": "standard"}],
    }


def serial(cloud: Cloud, servers: int, **looking: float) -> tuple[int, float]:
    """One tenant of the same, one call after another through openstacksdk; resources and seconds.

    `looking`: how it waits for a server, else as openstacksdk does by itself.
    """

    def body() -> tuple[int, float]:
        admin: Any = cloud.connect()
        begun = time.monotonic()
        made = 0

        def did(thing: Any) -> Any:
            nonlocal made
            made += 1
            return thing

        project = did(admin.identity.create_project(name="serial", domain_id="default"))
        user = did(
            admin.identity.create_user(name="serial-user", password="a-Long-one-9", domain_id="default")
        )
        member = admin.identity.find_role("member")
        admin.identity.assign_project_role_to_user(project, user, member)
        admin.identity.assign_project_role_to_user(
            project, admin.identity.find_user("admin"), admin.identity.find_role("admin")
        )
        did(None)
        did(admin.set_compute_quotas(project.id, instances=-1, cores=-1, ram=-1))
        net = did(admin.network.create_network(name="net", project_id=project.id))
        subnet = did(
            admin.network.create_subnet(
                network_id=net.id, ip_version=4, cidr="10.1.0.0/24", project_id=project.id
            )
        )
        outer = {"network_id": admin.network.find_network("public").id}
        router = did(
            admin.network.create_router(name="edge", project_id=project.id, external_gateway_info=outer)
        )
        did(admin.network.add_interface_to_router(router, subnet=subnet.id))
        group = did(admin.network.create_security_group(name="web", project_id=project.id))
        did(
            admin.network.create_security_group_rule(
                security_group_id=group.id,
                direction="ingress",
                protocol="tcp",
                port_range_min=80,
                port_range_max=80,
            )
        )
        inside: Any = cloud.connect(project="serial")
        image, flavor = inside.image.find_image("tiny"), inside.compute.find_flavor("m1.nano")
        for number in range(servers):
            port = did(
                admin.network.create_port(
                    name=f"web-{number}", network_id=net.id, project_id=project.id, security_groups=[group.id]
                )
            )
            server = did(
                inside.compute.create_server(
                    name=f"web-{number}", image_id=image.id, flavor_id=flavor.id, networks=[{"port": port.id}]
                )
            )
            inside.compute.wait_for_server(server, wait=300, **looking)
        seconds = time.monotonic() - begun
        for server in list(inside.compute.servers()):
            inside.compute.delete_server(server)
            inside.compute.wait_for_delete(server, wait=300)
        for port in list(admin.network.ports(project_id=project.id, device_owner="")):
            admin.network.delete_port(port)
        admin.network.remove_interface_from_router(router, subnet=subnet.id)
        admin.network.delete_router(router)
        admin.network.delete_network(net)
        for each in list(admin.network.security_groups(project_id=project.id)):
            admin.network.delete_security_group(each)
        admin.identity.delete_user(user)
        admin.identity.delete_project(project)
        return made, seconds

    return cloud.run(body)


def main() -> None:
    """Run it."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--root", help="a cloud that stands, and is left standing")
    words.add_argument("--tenants", type=int, default=5)
    words.add_argument("--servers", type=int, default=20, help="of each tenant")
    told = words.parse_args()
    own = "platform: {exclude: [dashboard, load-balancer], compute: {driver: fake, hosts: 50}}"
    with measuring.cloud(told.root, own, standing=False) as cloud:
        measure(cloud, told.tenants, told.servers)


def measure(cloud: Cloud, tenants: int, servers: int) -> None:
    wanted = spec.loads(json.dumps(stack(tenants, servers)), "bench.yaml")
    plain = serial(cloud, servers)
    eager = serial(cloud, servers, interval=0.5)
    outcome = cloud.apply(spec=wanted)
    assert outcome.ok, outcome.as_dict()
    begun = time.monotonic()
    plan = cloud.plan(wanted)
    again = time.monotonic() - begun
    assert plan.empty
    assert cloud.apply(cloud.removal(wanted), spec=wanted).ok
    apply_rate = outcome.added / outcome.seconds
    plain_rate, eager_rate = (made / seconds for made, seconds in (plain, eager))
    print(
        json.dumps(
            {
                "tenants": tenants,
                "servers": tenants * servers,
                "resources": outcome.added,
                "apply_seconds": round(outcome.seconds, 1),
                "resources_a_second": round(apply_rate, 2),
                "one_after_another": round(plain_rate, 2),
                "times_as_fast": round(apply_rate / plain_rate, 2),
                "one_after_another_looking_every_half_second": round(eager_rate, 2),
                "times_as_fast_as_that": round(apply_rate / eager_rate, 2),
                "plan_with_nothing_to_do_seconds": round(again, 2),
            }
        )
    )


if __name__ == "__main__":
    measuring.run(main)
