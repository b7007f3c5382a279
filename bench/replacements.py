"""What each performance replacement gains: servers created with all of them, without each one, and without any.

    python bench/replacements.py [--root DIR] [--only NAME ...] [--minutes 15] [--servers 24] [--clients 4]

With Nova's fake driver. The processes concerned are started anew each time, and every third measurement is with all
of them (`full`): an entry is compared with the nearest two of those, since a machine's speed drifts. Prints servers a
minute and CPU seconds for each server, with ratios, then all of it as one line of JSON. Ends when one more would take
longer than the minutes given; where there is time, there is more than one round.
"""

from __future__ import annotations

import argparse
import configparser
import datetime
import io
import itertools
import json
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import measuring

sys.path.insert(0, str(Path(__file__).parents[1] / "runtime" / "src"))

from servers import create

from cloud import cpu_seconds
from onestack import Cloud
from onestack.core.contract import TUNING
from onestack.core.events import silent
from onestack.platform import catalogue, readiness
from onestack_runtime.replacements import registry

FULL, NONE = "full", "none"
WARM = 3
"""Servers that are made before it counts: the first requests of a new process load and connect."""
CREATING = {"keystone", "glance", "placement", "neutron", "nova"}
"""Projects that take part when a server is made."""


@dataclass(frozen=True)
class Run:
    """One measurement. `variant`: FULL, NONE, or the entry that was left out. `cpu`: seconds for each server."""

    variant: str
    a_minute: float
    cpu: float
    by_process: dict[str, float]


@dataclass(frozen=True)
class Gain:
    """`cpu`: CPU seconds without the entry, by those with it; `rate`: servers a minute with it, by those without.
    Above 1 it gains."""

    name: str
    cpu: float
    rate: float
    runs: int


def measurable() -> list[str]:
    """The entries for performance that servers pass by."""
    return [each.name for each in registry.ALL if each.kind == "performance" and set(each.runners) & CREATING]


def order(names: Sequence[str]) -> Iterator[str]:
    """What to measure, one after another, for ever; every second round backwards."""
    for number in itertools.count():
        there = [*names, NONE][:: -1 if number % 2 else 1]
        for index in range(0, len(there), 2):
            yield FULL
            yield from there[index : index + 2]


def gains(runs: Sequence[Run]) -> list[Gain]:
    """Each variant beside the FULL before and the one after it."""
    full = [index for index, run in enumerate(runs) if run.variant == FULL]
    cpu: dict[str, list[float]] = {}
    rate: dict[str, list[float]] = {}
    for index, run in enumerate(runs):
        if run.variant == FULL:
            continue
        near = [
            max((i for i in full if i < index), default=None),
            min((i for i in full if i > index), default=None),
        ]
        beside = [runs[i] for i in near if i is not None]
        if beside:
            cpu.setdefault(run.variant, []).append(run.cpu / statistics.mean(each.cpu for each in beside))
            rate.setdefault(run.variant, []).append(
                statistics.mean(each.a_minute for each in beside) / run.a_minute
            )
    found = [
        Gain(name, statistics.mean(cpu[name]), statistics.mean(rate[name]), len(cpu[name])) for name in cpu
    ]
    return sorted(found, key=lambda each: -each.cpu)


def tuned(variant: str) -> str:
    """The value of TUNING."""
    return variant if variant in (FULL, NONE) else f"{FULL} -{variant}"


def concerned(variant: str) -> set[str]:
    """The processes that run otherwise than with all."""
    if variant in (FULL, NONE):
        return CREATING if variant == NONE else set()
    (entry,) = (each for each in registry.ALL if each.name == variant)
    return CREATING & set(entry.runners)


def configured(text: str, variant: str) -> str:
    """supervisord's configuration with this variant."""
    ini = configparser.RawConfigParser()
    ini.read_string(text)
    for name in CREATING & {section.removeprefix("program:") for section in ini.sections()}:
        program = ini[f"program:{name}"]
        value = tuned(variant) if name in concerned(variant) else FULL
        program["environment"] = re.sub(f'{TUNING}="[^"]*"', f'{TUNING}="{value}"', program["environment"])
    written = io.StringIO()
    ini.write(written)
    return written.getvalue()


def start(cloud: Cloud, variant: str) -> None:
    """Have the processes run with this variant: those that did not before are started anew."""
    site = cloud.site
    site.leader.supervisor.configure(configured((site.paths.run / "supervisor.conf").read_text(), variant))
    site.leader.supervisor.start()
    processes = [each for each in catalogue.processes(site.view) if each.name in CREATING]
    with ThreadPoolExecutor(len(processes)) as pool:
        list(pool.map(lambda each: readiness.start(site, each, silent), processes))


def measure(cloud: Cloud, variant: str, servers: int, clients: int) -> Run:
    """Make servers with this variant; they are removed again."""
    start(cloud, variant)
    return cloud.run(partial(_make, cloud, variant, servers, clients))


def _make(cloud: Cloud, variant: str, servers: int, clients: int) -> Run:
    admin = cloud.connect()
    image = next(admin.image.images(name="tiny")).id
    flavor = next(each.id for each in admin.compute.flavors() if each.name == "m1.nano")
    network = admin.network.find_network("bench-replacements") or _network(cloud)
    connections = [cloud.connect() for _ in range(clients)]
    running = cloud.site.leader.supervisor.programs()
    names = [each.name for each in catalogue.processes(cloud.site.view)]

    def together(number: int, name: str) -> None:
        with ThreadPoolExecutor(clients) as pool:
            jobs = [
                pool.submit(create, connections[i % clients], f"{name}-{i}", image, flavor, network.id)
                for i in range(number)
            ]
            for job in jobs:
                job.result()

    def costs() -> dict[str, float]:
        return {name: cpu_seconds([running[name].pid]) for name in names}

    together(WARM, "warm")
    before, begun = costs(), time.monotonic()
    together(servers, "counted")
    took, after = time.monotonic() - begun, costs()
    for server in list(admin.compute.servers(details=False)):
        admin.compute.delete_server(server)
    for server in list(admin.compute.servers(details=False)):
        admin.compute.wait_for_delete(server, interval=0.2, wait=120)
    each = {name: (after[name] - before[name]) / servers for name in names}
    return Run(variant, 60 * servers / took, sum(each.values()), each)


def _network(cloud: Cloud) -> object:
    admin = cloud.connect()
    made = admin.network.create_network(name="bench-replacements")
    admin.network.create_subnet(network_id=made.id, cidr="10.9.0.0/22", ip_version=4)
    admin.compute.update_quota_set(admin.current_project_id, instances=-1, cores=-1, ram=-1)
    admin.network.update_quota(admin.current_project_id, ports=-1)
    return made


def table(runs: Sequence[Run], names: Sequence[str]) -> str:
    """What was measured, and what was not."""
    full = [run for run in runs if run.variant == FULL]
    lines = [f"{'variant':<28} {'CPU s a server':>15} {'servers a minute':>17}"]
    lines += [f"{run.variant:<28} {run.cpu:>15.3f} {run.a_minute:>17.1f}" for run in runs]
    if len(full) > 1:
        cpu = [run.cpu for run in full]
        lines.append(f"\nwith all: CPU {min(cpu):.3f} to {max(cpu):.3f}; a smaller difference says nothing")
    lines.append(f"\n{'without it, against with all':<28} {'CPU':>15} {'time':>17} {'runs':>5}")
    found = gains(runs)
    lines += [f"{each.name:<28} {each.cpu:>14.3f}x {each.rate:>16.3f}x {each.runs:>5}" for each in found]
    left = [name for name in (*names, NONE) if name not in {each.name for each in found}]
    if left:
        lines.append(f"\nnot measured, for lack of time: {', '.join(left)}")
    return "\n".join(lines)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--root", help="a cloud of pretended hosts that stands; else one is brought up for it")
    words.add_argument("--only", nargs="+", metavar="NAME", help="entries of docs/reference/replacements.md")
    words.add_argument("--minutes", type=float, default=15)
    words.add_argument("--servers", type=int, default=24, help="made in each measurement")
    words.add_argument("--clients", type=int, default=4)
    words.add_argument("--hosts", type=int, default=5)
    given = words.parse_args()
    names = measurable()
    if unknown := sorted(set(given.only or ()) - set(names)):
        measuring.refuse(f"nothing to measure: {', '.join(unknown)}", f"--only takes {', '.join(names)}")
    names = [name for name in names if not given.only or name in given.only]
    own = f"platform: {{exclude: [dashboard], compute: {{driver: fake, hosts: {given.hosts}}}}}\n"
    before = os.environ.get(TUNING)
    with measuring.cloud(given.root, own, standing=False) as cloud:
        runs: list[Run] = []
        longest = 0.0
        try:
            # What is brought up for the first time, or anew for another reason, is no part of the time.
            os.environ[TUNING] = FULL
            cloud.up()
            start(cloud, FULL)
            begun = time.monotonic()
            for variant in order(names):
                since = time.monotonic()
                # The last one is with all, so that what came before it has one on both sides.
                if since - begun + 2 * longest > 60 * given.minutes:
                    break
                runs.append(measure(cloud, variant, given.servers, given.clients))
                longest = max(longest, time.monotonic() - since)
                sys.stderr.write(f"{runs[-1].variant}: {runs[-1].cpu:.3f} CPU s a server\n")
            if runs and runs[-1].variant != FULL:
                runs.append(measure(cloud, FULL, given.servers, given.clients))
        finally:
            os.environ.pop(TUNING, None)
            if before is not None:
                os.environ[TUNING] = before
            if given.root:
                cloud.up()
    print(table(runs, names))
    said = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} processors, {platform.machine()}",
        "servers": given.servers,
        "clients": given.clients,
        "runs": [asdict(run) for run in runs],
        "gains": [asdict(each) for each in gains(runs)],
    }
    print(json.dumps(said))


if __name__ == "__main__":
    measuring.run(main)
