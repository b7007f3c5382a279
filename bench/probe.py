"""What bench/commits.py measures in one checkout, with what its Python API had long ago: run by that, not by hand.

    python bench/probe.py ROOT ALONE TOGETHER CLIENTS TENANTS SERVERS

Prints one JSON value: seconds, MiB, servers a minute, CPU seconds of all processes for each server, resources a
second.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import measuring

from onestack import Cloud
from onestack.spec import loads

FAKE = "platform: {compute: {driver: fake, hosts: 5}}\n"
IDLE_SECONDS = 20
"""After the last work, before memory is read."""


def pids(cloud: Any) -> list[int]:
    """Of all processes in the cloud's mount namespace."""
    own = (cloud.paths.run / "ns/mnt").stat().st_ino
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if (place / "ns/mnt").stat().st_ino == own:
                found.append(int(place.name))
        except OSError:
            continue
    return found


def pss(cloud: Any) -> float:
    """MiB of memory, what is shared counted once."""
    kib = 0
    for pid in pids(cloud):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        kib += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return kib / 1024


def cpu(cloud: Any) -> float:
    """CPU seconds of all processes until now."""
    ticks = 0
    for pid in pids(cloud):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def timed(body: Any) -> float:
    begun = time.monotonic()
    body()
    return time.monotonic() - begun


def servers(cloud: Any, alone: int, together: int, clients: int) -> dict[str, float]:
    admin = cloud.connect()
    image = next(admin.image.images(name="tiny")).id
    flavor = next(each.id for each in admin.compute.flavors() if each.name == "m1.tiny")
    network = admin.network.create_network(name="bench")
    admin.network.create_subnet(network_id=network.id, cidr="10.9.0.0/22", ip_version=4)
    admin.compute.update_quota_set(admin.current_project_id, instances=-1, cores=-1, ram=-1)
    admin.network.update_quota(admin.current_project_id, ports=-1)

    def create(name: str) -> None:
        made = admin.compute.create_server(
            name=name, image_id=image, flavor_id=flavor, networks=[{"uuid": network.id}]
        )
        admin.compute.wait_for_server(made, wait=120, interval=0.2)

    create("warm")
    before = cpu(cloud)
    took = timed(lambda: list(map(create, [f"alone-{index}" for index in range(alone)])))
    used = cpu(cloud) - before
    with ThreadPoolExecutor(clients) as pool:
        many = timed(lambda: list(pool.map(create, [f"together-{index}" for index in range(together)])))
    return {
        "one after another": 60 * alone / took,
        "from many clients": 60 * together / many,
        "CPU per server": used / alone,
    }


def applied(cloud: Any, tenants: int, count: int) -> float:
    """Resources a second of a spec with tenants of servers."""
    tenant = {
        "quota": {"compute": {"instances": -1, "cores": -1, "ram": -1}},
        "networks": [{"name": "net", "subnets": [{"cidr": "10.1.0.0/24"}]}],
        "routers": [{"name": "edge", "external": "public", "networks": ["net"]}],
        "security_groups": [{"name": "web", "rules": [{"protocol": "tcp", "ports": 80}]}],
        "servers": [
            {
                "name": "web",
                "count": count,
                "image": "tiny",
                "flavor": "m1.tiny",
                "networks": [{"network": "net"}],
                "security_groups": ["web"],
            }
        ],
    }
    wanted = {"name": "bench", "tenants": [{"name": f"bench-{index}", **tenant} for index in range(tenants)]}
    spec = loads(json.dumps(wanted), "bench.yaml")
    steps = len(cloud.plan(spec).changes)
    return steps / timed(lambda: cloud.apply(spec=spec))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root")
    for name in ("alone", "together", "clients", "tenants", "servers"):
        parser.add_argument(name, type=int)
    given = parser.parse_args()
    if os.geteuid() != 0:
        measuring.refuse(
            "this brings a cloud up: it needs root", "run bench/commits.py with sudo, or as root"
        )
    cloud = Cloud(given.root)
    try:
        found = {"first up": timed(lambda: cloud.up(loads(FAKE)))}
        found |= cloud.run(lambda: servers(cloud, given.alone, given.together, given.clients))
        found["apply"] = applied(cloud, given.tenants, given.servers)
        cloud.down()
        found["up after down"] = timed(cloud.up)
        time.sleep(IDLE_SECONDS)
        found["idle PSS"] = pss(cloud)
    finally:
        cloud.destroy()
    print(json.dumps(found))


main()
