"""How long the APIs are away when one of three control hosts, or a part of one, is lost.

    python bench/ha.py [--runs 10] [--fault NAME ...] [--work DIR]

The hosts are pretended ones (tests/cluster/hosts.py): all of them share this machine's processors, so that figures
are upper bounds. A client beside the hosts sends requests to the APIs' address without retries, as many as two
processors can serve: each second ten that need no database, two that check a token, two that list networks, and one
that creates one. Prints for each fault and kind the longest time without a success, in seconds (median and worst of
all runs), the median's ratio to a run without a fault, and how many requests failed; then one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import measuring

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from cluster.cloud import fetch_parts, onestack, status
from cluster.control_hosts import ADDRESS, NAMES, SPEC, holder, members
from cluster.host import Host
from cluster.hosts import Hosts
from onestack.core.wait import until
from onestack.platform.infrastructure.ovn_databases import CONTROL
from onestack.spec import load

PROBER = Path(__file__).with_name("ha_prober.py")
SECONDS = 300.0
"""For a cloud to be whole again after a fault."""
SERVING = 3.0
"""For so many seconds each kind has been served again when the prober ends."""

PASSWORD = "import os; print(os.environ['OS_PASSWORD'])"

Answers = dict[str, tuple[float, int]]
"""By kind of request: the longest time without a success in seconds, and how many failed."""


def kill(host: Host, lead: Host, name: str) -> None:
    """End a process on a host with SIGKILL. `lead`: where it is asked for."""
    found = status(lead)["processes"]
    of = "" if host is lead else host.name
    pid = next(each["pid"] for each in found if (each["host"], each["name"]) == (of, name))
    host.run("kill", "-KILL", str(pid))


def northbound_leader(hosts: Hosts) -> Host:
    """The host whose member leads OVN's northbound database."""
    ask = ("nsenter", "--mount=/run/onestack/ns/mnt", "ovs-appctl", f"--target={CONTROL}")
    words = (*ask, "cluster/status", "OVN_Northbound")
    return next(each for each in hosts if "Role: leader" in each.run(*words))


def lose_holder(hosts: Hosts) -> None:
    holder(hosts).lose()


def kill_gateway(hosts: Hosts) -> None:
    kill(holder(hosts), hosts["c1"], "api-gateway")


def kill_database(hosts: Hosts) -> None:
    kill(hosts["c1"], hosts["c1"], "mariadb")


def kill_bus(hosts: Hosts) -> None:
    kill(hosts["c1"], hosts["c1"], "rabbitmq")


def kill_northbound(hosts: Hosts) -> None:
    kill(northbound_leader(hosts), hosts["c1"], "ovn-databases")


FAULTS: dict[str, Callable[[Hosts], None]] = {
    "none": lambda hosts: None,
    "host": lose_holder,
    "gateway": kill_gateway,
    "database": kill_database,
    "bus": kill_bus,
    "ovn": kill_northbound,
}
"""The host with the address is lost with all on it; or its API gateway, the MariaDB that is written to, the leader
host's RabbitMQ, the leader of OVN's northbound database are killed."""


@contextmanager
def probing(hosts: Hosts, password: str) -> Iterator[subprocess.Popen[str]]:
    """The prober, which has had answers of all kinds."""
    words = hosts.client_command([sys.executable, str(PROBER), f"https://{ADDRESS}:8080"])
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdin is not None and started.stdout is not None
        started.stdin.write(f"{password}\n")
        started.stdin.flush()
        if started.stdout.readline() != "serving\n":
            raise SystemExit("error: the APIs do not answer")
        try:
            yield started
        finally:
            started.terminate()


def gap(hosts: Hosts, password: str, fault: Callable[[Hosts], None]) -> Answers:
    """What a client sees of a fault."""
    with probing(hosts, password) as prober:
        assert prober.stdin is not None and prober.stdout is not None
        fault(hosts)
        # From now on it ends when each kind has been served for a while again.
        prober.stdin.write(f"{SERVING}\n")
        prober.stdin.flush()
        found = json.loads(prober.stdout.readline())
    return {kind: (each["away"], each["failed"]) for kind, each in found.items()}


def whole(hosts: Hosts) -> None:
    """Bring lost hosts back, and wait for all members of all clusters."""
    for each in hosts:
        if not each.runs:
            each.back()
    onestack(hosts["c1"], "up", str(SPEC))

    def look() -> tuple[bool, str]:
        found, there = status(hosts["c1"]), members(hosts["c1"])
        return found["health"] == "healthy" and {*there.values()} == {3}, f"{there}, {found['reasons']}"

    until("all members to be there", look, seconds=SECONDS, every=1.0)


def table(found: dict[str, list[Answers]]) -> list[str]:
    """Lines of text, one for each fault and kind."""
    lines = [f"{'fault':<10} {'requests':<10} {'median s':>9} {'worst s':>8} {'ratio':>7} {'failed':>7}"]
    for fault, runs in found.items():
        for kind in runs[0]:
            away = [run[kind][0] for run in runs]
            middle = statistics.median(away)
            calm = [run[kind][0] for run in found.get("none", [])]
            ratio = f"{middle / statistics.median(calm):.1f}" if calm else ""
            failed = sum(run[kind][1] for run in runs)
            lines.append(f"{fault:<10} {kind:<10} {middle:>9.2f} {max(away):>8.2f} {ratio:>7} {failed:>7}")
    return lines


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--runs", type=int, default=10)
    words.add_argument("--fault", action="append", choices=FAULTS, help="all, unless given")
    words.add_argument("--work", type=Path, default=Path("/var/tmp/onestack-bench-ha"))
    given = words.parse_args()
    if given.runs < 1:
        measuring.refuse("--runs needs 1 or more", "10 give a median and a worst one")
    fetch_parts(load(SPEC))
    found: dict[str, list[Answers]] = {}
    with Hosts.fresh(given.work, NAMES) as hosts:
        onestack(hosts["c1"], "up", str(SPEC))
        password = onestack(hosts["c1"], "exec", "python", "-c", PASSWORD).strip()
        for name in given.fault or FAULTS:
            for _ in range(given.runs):
                whole(hosts)
                found.setdefault(name, []).append(gap(hosts, password, FAULTS[name]))
                print(f"{name}: {found[name][-1]}", file=sys.stderr, flush=True)
    print("\n".join(table(found)))
    print(json.dumps(found))


if __name__ == "__main__":
    measuring.run(main)
