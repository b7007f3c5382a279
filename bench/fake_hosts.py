"""How fast servers come on many hosts: Nova's fake driver, shared out to the processes of three hosts.

    python bench/fake_hosts.py [--fake 100] [--servers 100] [--most 1000] [--work DIR]

Three pretended hosts (tests/cluster/hosts.py), all on this machine's processors. First the first one alone, with all
fake hosts in its one process and the bus inside of it; then all three, by RabbitMQ. Each applies a spec of so many
servers; the second then more and more of them. Prints servers a minute and CPU seconds a server (of everything that
runs on the hosts, the command itself left out), with the ratio to one host, and how the rate changes as the cloud
grows; then one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import measuring

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from apply import stack

from cluster.cloud import COMPUTE, SPEC, fetch_parts, onestack
from cluster.host import Host
from cluster.hosts import Hosts
from onestack.core.errors import PermanentError
from onestack.host import processes
from onestack.spec import load

TENANTS = 5
SECONDS = 1800.0
LIST = ["openstack", "server", "list", "--all-projects", "--limit", "-1", "--long", "-f", "value", "-c"]
PLACE = "/root/{name}.yaml"


def write(control: Host, name: str, spec: dict[str, Any]) -> str:
    """Write a spec on the control host (JSON is YAML). Its path."""
    place = PLACE.format(name=name)
    control.run("sh", "-c", f"cat > {place} <<'END'\n{json.dumps(spec)}\nEND\n")
    return place


def platform(fake: int, hosts: list[dict[str, Any]]) -> dict[str, Any]:
    compute = {"driver": "fake", "hosts": fake}
    return {
        "platform": {"exclude": ["dashboard", "load-balancer", "block-storage"], "compute": compute},
        "hosts": hosts,
    }


def used(hosts: Hosts) -> float:
    """CPU seconds of all that runs on the hosts. Processes that ended meanwhile are not in it."""
    return sum(processes.cpu_seconds(pid) or 0.0 for host in hosts for pid in host.pids())


def apply(hosts: Hosts, servers: int) -> dict[str, float]:
    """Have so many servers in all: what it costs. Raises PermanentError where one is missing or failed."""
    control = hosts["c1"]
    place = write(control, "tenants", stack(TENANTS, servers // TENANTS))
    before = used(hosts)
    said = onestack(control, "apply", place, "--yes", "--json", seconds=SECONDS)
    cpu = used(hosts) - before
    outcome = json.loads(said.splitlines()[-1])
    states = onestack(control, "exec", "--", *LIST, "Status").split()
    if states.count("ACTIVE") != servers or len(states) != servers:
        raise PermanentError(
            f"{servers} servers were wanted, and there are: {sorted(set(states))} {len(states)}"
        )
    return {"servers": servers, "seconds": outcome["seconds"], "cpu": cpu}


def shown(
    title: str, new: int, found: dict[str, float], base: dict[str, float] | None = None
) -> dict[str, float]:
    """Print a row, and return it."""
    row = {"rate": 60 * new / found["seconds"], "cpu": found["cpu"] / new}
    ratios = "" if base is None else f"{row['rate'] / base['rate']:>7.2f} {row['cpu'] / base['cpu']:>7.2f}"
    print(f"{title:<36}{row['rate']:>8.0f} /min {row['cpu']:>7.2f} CPU s   {ratios}", flush=True)
    return row


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--fake", type=int, default=100, help="the fake driver's hosts, in all")
    words.add_argument("--servers", type=int, default=100, help=f"at first; a multiple of {TENANTS}")
    words.add_argument("--most", type=int, default=1000, help="in the end, after doublings")
    words.add_argument("--work", type=Path, default=Path("/var/tmp/onestack-bench-fake"))
    given = words.parse_args()
    fetch_parts(load(SPEC))
    with Hosts.fresh(given.work) as made:
        control = made["c1"]
        address = {host.name: str(host.address.ip) for host in made}
        one = {"name": "c1", "address": address["c1"], "roles": ["control", "network", "compute"]}
        more = [{"name": name, "address": address[name], "roles": ["compute"]} for name in COMPUTE]
        onestack(control, "up", write(control, "platform", platform(given.fake, [one])))
        alone = shown("one host", given.servers, apply(made, given.servers))
        onestack(control, "destroy", "--yes")
        onestack(control, "up", write(control, "platform", platform(given.fake, [one, *more])))
        rows, before = [], 0
        servers = given.servers
        while before < given.most:
            row = shown(f"three hosts, to {servers}", servers - before, apply(made, servers), alone)
            rows.append({"servers": servers, **row})
            before, servers = servers, min(2 * servers, given.most)
        hosts = onestack(control, "exec", "--", *LIST, "Host").split()
        print(
            f"on {len(set(hosts))} of {given.fake} hosts, between {min(map(hosts.count, set(hosts)))} and"
            f" {max(map(hosts.count, set(hosts)))} servers each"
        )
        print(json.dumps({"one": alone, "three": rows}))


if __name__ == "__main__":
    measuring.run(main)
