"""How soon commands for other clouds start: `onestack --help`, and `onestack plan FILE --cloud NAME` until its first
request, beside `openstack --version` and `openstack server list` until its first request, turn by turn.

The cloud is a socket on loopback that answers nothing: a command's time ends when it connects. Imports: `python -X
importtime -m onestack.cli plan FILE --cloud NAME` says what each takes.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import measuring  # noqa: F401  (the project's own Python)

LONGEST = 120.0
"""Seconds after which a command that has not connected is given up."""
SPEC = """\
name: shop
existing: {networks: [ext-net]}
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    routers: [{name: edge, external: ext-net, networks: [front]}]
"""


class Taken(NamedTuple):
    """Seconds, of the clock and of the processor."""

    clock: float
    cpu: float


def whole(command: Sequence[str], environment: Mapping[str, str]) -> Taken:
    """A command, run to its end."""
    began = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {process.returncode}")
    return Taken(time.monotonic() - began, used.ru_utime + used.ru_stime)


def until_connected(
    command: Sequence[str], environment: Mapping[str, str], listening: socket.socket
) -> Taken:
    """A command until it connects; it is ended then."""
    began = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        connection, _ = listening.accept()
        clock = time.monotonic() - began
    finally:
        process.kill()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    connection.close()
    return Taken(clock, used.ru_utime + used.ru_stime)


def measure(rounds: int) -> dict[str, list[Taken]]:
    """By what was run: the time of each round."""
    bin_ = Path(sys.executable).parent
    onestack, openstack = [sys.executable, "-m", "onestack.cli"], [str(bin_ / "openstack")]
    found: dict[str, list[Taken]] = {}
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(LONGEST)
        spec, clouds = Path(folder, "shop.yaml"), Path(folder, "clouds.yaml")
        spec.write_text(SPEC)
        auth = {
            "auth_url": f"http://127.0.0.1:{listening.getsockname()[1]}/v3",
            "username": "anna",
            "password": "none",
            "project_name": "shop",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }
        clouds.write_text(json.dumps({"clouds": {"other": {"auth": auth}}}))
        own = {**os.environ, "OS_CLIENT_CONFIG_FILE": str(clouds), "HOME": folder}
        # As for users: what was compiled, and which plugins there are, is kept for the next time.
        own.pop("PYTHONDONTWRITEBYTECODE", None)
        plan = [*onestack, "plan", str(spec), "--cloud", "other"]
        list_ = [*openstack, "--os-cloud", "other", "server", "list"]
        # The first round is not counted: it writes what Python compiles.
        for turn in range(rounds + 1):
            taken = {
                "onestack --help": whole([*onestack, "--help"], own),
                "onestack plan, first request": until_connected(plan, own, listening),
                "openstack --version": whole([*openstack, "--version"], own),
                "openstack server list, first request": until_connected(list_, own, listening),
            }
            for name, each in taken.items():
                found.setdefault(name, []).extend([each] if turn else [])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    found = measure(parser.parse_args().rounds)
    print(f"{'':38} {'median':>8} {'fastest':>8} {'CPU':>8}  seconds")
    cpu = {name: statistics.median(each.cpu for each in taken) for name, taken in found.items()}
    for name, taken in found.items():
        clocks = [each.clock for each in taken]
        print(f"{name:38} {statistics.median(clocks):8.2f} {min(clocks):8.2f} {cpu[name]:8.2f}")
    reference = cpu["openstack --version"]
    for name in ("onestack --help", "onestack plan, first request"):
        print(f"{name} / openstack --version, by CPU: {cpu[name] / reference:.2f}")


if __name__ == "__main__":
    main()
