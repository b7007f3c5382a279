"""How fast servers are created, with Nova's fake driver: one after another, and from several clients at once.

    python bench/servers.py [--root DIR] [--alone 30] [--together 50] [--clients 8] [--hosts 5]

Prints p50 and p95 of create -> ACTIVE, servers a minute, CPU seconds per server by process, and the ratio to
the standard layout's record (see bench/cloud.py for what that is).
"""

from __future__ import annotations

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import measuring
from openstack.connection import Connection

from cloud import cpu_seconds
from onestack import Cloud
from onestack.platform import layout

PEER_ALONE = 31.0
PEER_TOGETHER = 23.0
"""Servers a minute the standard way, one after another and from 8 clients."""


def create(admin: Connection, name: str, image: str, flavor: str, network: str) -> float:
    """Seconds from the call to ACTIVE; raises when the server ends in ERROR."""
    begun = time.monotonic()
    server = admin.compute.create_server(
        name=name, image_id=image, flavor_id=flavor, networks=[{"uuid": network}]
    )
    admin.compute.wait_for_server(server, wait=120, interval=0.2)
    return time.monotonic() - begun


def measure(cloud: Cloud, alone: int, together: int, clients: int) -> None:
    admin: Any = cloud.connect()
    image = next(admin.image.images(name="tiny")).id
    flavor = next(each.id for each in admin.compute.flavors() if each.name == "m1.nano")
    network = admin.network.create_network(name="bench")
    admin.network.create_subnet(network_id=network.id, cidr="10.9.0.0/22", ip_version=4)
    quota = {"instances": -1, "cores": -1, "ram": -1}
    admin.compute.update_quota_set(admin.current_project_id, **quota)
    admin.network.update_quota(admin.current_project_id, ports=-1)
    create(admin, "warm", image, flavor, network.id)
    running = cloud.site.leader.supervisor.programs()
    names = [each.name for each in layout.processes(cloud.site.view)]

    def costs() -> dict[str, float]:
        return {name: cpu_seconds([running[name].pid]) for name in names}

    before, begun = costs(), time.monotonic()
    times = [create(admin, f"alone-{index}", image, flavor, network.id) for index in range(alone)]
    took, after = time.monotonic() - begun, costs()
    rate = 60 * alone / took
    print(
        f"one after another: p50 {statistics.median(times):.2f} s, p95 {sorted(times)[int(0.95 * alone)]:.2f} s"
    )
    print(f"  {rate:.0f} a minute, {rate / PEER_ALONE:.1f} x the standard layout")
    print(f"  CPU seconds a server: {sum(after.values()) / alone - sum(before.values()) / alone:.2f}")
    for name in sorted(names, key=lambda each: before[each] - after[each])[:6]:
        print(f"    {name:<16} {(after[name] - before[name]) / alone:.2f}")
    begun = time.monotonic()
    connections = [cloud.connect() for _ in range(clients)]
    with ThreadPoolExecutor(clients) as pool:
        jobs = [
            pool.submit(create, connections[i % clients], f"together-{i}", image, flavor, network.id)
            for i in range(together)
        ]
        times = [job.result() for job in jobs]
    rate = 60 * together / (time.monotonic() - begun)
    print(f"{together} from {clients} clients: p50 {statistics.median(times):.2f} s")
    print(f"  {rate:.0f} a minute, {rate / PEER_TOGETHER:.1f} x the standard layout, none in ERROR")


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--alone", type=int, default=30)
    words.add_argument("--together", type=int, default=50)
    words.add_argument("--clients", type=int, default=8)
    words.add_argument("--hosts", type=int, default=5)
    words.add_argument("--root", help="a cloud of pretended hosts that stands; else one is brought up for it")
    given = words.parse_args()
    own = f"platform: {{compute: {{driver: fake, hosts: {given.hosts}}}}}\n"
    with measuring.cloud(given.root, own, standing=False) as cloud:
        cloud.run(lambda: measure(cloud, given.alone, given.together, given.clients))


if __name__ == "__main__":
    measuring.run(main)
