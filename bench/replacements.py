"""What each performance replacement gains when servers are created, by leaving out about half of them at a time.

    python bench/replacements.py [--root DIR] [--only NAME ...] [--minutes 40] [--servers 24] [--clients 4]
                                 [--hosts 5] [--seed 1] [--record FILE]
    python bench/replacements.py --from FILE

With Nova's fake driver. A screening experiment (bench/screening.py says how and why): for 8 to 15 entries a whole
design has 32 runs, for 16 to 31 it has 64. Each restarts the processes whose entries change, makes servers, counts
the CPU seconds of all the cloud's processes, and removes the servers. Prints for each entry how much more CPU and
time a server takes without it, with standard errors, and in which processes (bench/gains.py).

Ends when one more run would take longer than the minutes given. With --record each run is added to a file as a line
of JSON, and runs that are there already are not made again; --from prints the table of recorded runs, and measures
nothing. To be run on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import configparser
import datetime
import io
import json
import os
import platform
import re
import sys
import time
from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

import measuring

sys.path.insert(0, str(Path(__file__).parents[1] / "runtime" / "src"))

from gains import table
from screening import Run, TooFew, design, read, size, write
from servers import create

from cloud import cpu_seconds, everything
from onestack import Cloud
from onestack.core.contract import TUNING
from onestack.core.events import silent
from onestack.core.wait import until
from onestack.platform import hypervisors, layout, readiness, takedown
from onestack.platform.site import Site
from onestack_runtime.replacements import registry

FULL = "full"
WARM = 6
"""Servers that are made before it counts: the first requests of a new process load and connect."""
CREATING = ("keystone", "glance", "placement", "neutron", "nova")
"""Projects that take part when a server is made."""
NETWORK = "bench-replacements"


def measurable() -> list[str]:
    """The entries for performance that servers pass by."""
    return [
        each.name for each in registry.ALL if each.kind == "performance" and set(each.runners) & {*CREATING}
    ]


def tuned(project: str, off: Collection[str]) -> str:
    """The value of TUNING for a project's process: only what it has itself, so that others' do not restart it."""
    own = [each.name for each in registry.of(project) if each.name in off]
    return " ".join([FULL, *(f"-{name}" for name in own)])


def configured(text: str, off: Collection[str]) -> tuple[str, list[str]]:
    """supervisord's configuration without the entries `off`, and the programs for which it differs from `text`."""
    ini = configparser.RawConfigParser()
    ini.read_string(text)
    changed = []
    for name in CREATING:
        program = ini[f"program:{name}"]
        before = program["environment"]
        program["environment"] = re.sub(f'{TUNING}="[^"]*"', f'{TUNING}="{tuned(name, off)}"', before)
        if program["environment"] != before:
            changed.append(name)
    written = io.StringIO()
    ini.write(written)
    return written.getvalue(), changed


def start(site: Site, off: Collection[str]) -> None:
    """Have the processes run without the entries `off`: those that ran otherwise are restarted, all at once."""
    supervisor = site.leader.supervisor
    text, changed = configured((site.paths.run / "supervisor.conf").read_text(), off)
    # supervisord itself would stop what changed one after another.
    takedown.stop_all(supervisor, changed)
    supervisor.configure(text)
    supervisor.start()
    processes = [each for each in layout.processes(site.view) if each.name in CREATING]
    with ThreadPoolExecutor(len(processes)) as pool:
        list(pool.map(lambda each: readiness.start(site.leader, each, silent), processes))
    hypervisors.wait_up(site, {each.name for each in site.hosts}, silent)


def costs(cloud: Cloud, site: Site) -> Counter[str]:
    """CPU seconds until now of all the cloud's processes, by name."""
    names = {each.pid: each.name for each in site.leader.supervisor.programs().values()}
    found: Counter[str] = Counter()
    for pid in everything(cloud):
        try:
            found[names.get(pid, "other")] += cpu_seconds([pid])  # type: ignore[assignment]  # fractions
        except FileNotFoundError:  # it has ended meanwhile
            continue
    return found


def make(cloud: Cloud, site: Site, servers: int, clients: int) -> tuple[float, float, dict[str, float]]:
    """Make servers, and remove them: when it began (Unix time), seconds and CPU seconds for each server."""
    connections = [cloud.connect() for _ in range(clients)]
    admin = connections[0]
    image = next(admin.image.images(name="tiny")).id
    flavor = next(each.id for each in admin.compute.flavors() if each.name == "m1.nano")
    network = admin.network.find_network(NETWORK, ignore_missing=False).id

    def together(number: int, name: str) -> None:
        with ThreadPoolExecutor(clients) as pool:
            jobs = [
                pool.submit(create, connections[i % clients], f"{name}-{i}", image, flavor, network)
                for i in range(number)
            ]
            for job in jobs:
                job.result()

    try:
        together(WARM, "warm")
        before, begun, began = costs(cloud, site), time.monotonic(), time.time()
        together(servers, "counted")
        took, after = time.monotonic() - begun, costs(cloud, site)
    finally:
        remove(cloud)
    return began, took / servers, {name: (after[name] - before[name]) / servers for name in after}


def remove(cloud: Cloud) -> None:
    """Delete the servers, and wait until there are none."""
    admin: Any = cloud.connect()
    ours = {"warm", "counted"}

    def left() -> list[str]:
        there = admin.compute.servers(details=False)
        return [each.id for each in there if each.name.partition("-")[0] in ours]

    def poll() -> tuple[bool, str]:
        return not (found := left()), f"{len(found)} servers"

    for ident in left():
        admin.compute.delete_server(ident)
    until("the servers to be gone", poll, seconds=120, every=0.3)


def furnish(cloud: Cloud) -> None:
    """The network that the servers are in, and quotas that allow them."""
    admin: Any = cloud.connect()
    if admin.network.find_network(NETWORK) is None:
        made = admin.network.create_network(name=NETWORK)
        admin.network.create_subnet(network_id=made.id, cidr="10.9.0.0/22", ip_version=4)
    admin.compute.update_quota_set(admin.current_project_id, instances=-1, cores=-1, ram=-1)
    admin.network.update_quota(admin.current_project_id, ports=-1)


def measure(
    cloud: Cloud,
    names: Sequence[str],
    conditions: dict[str, object],
    seconds: float,
    runs: list[Run],
    file: Path | None,
) -> None:
    """Add to `runs` (and the file) what comes in the design after those that are there, for so many seconds."""
    site = cloud.site
    servers, clients, seed = (int(str(conditions[each])) for each in ("servers", "clients", "seed"))
    cloud.run(partial(furnish, cloud))
    # It compiles and fills caches that all later runs find.
    cloud.run(partial(make, cloud, site, clients, clients))
    session, begun, longest = time.time(), time.monotonic(), 0.0
    for off in islice(design(names, seed), len(runs), None):
        since = time.monotonic()
        if since - begun + longest > seconds:
            return
        cloud.run(partial(start, site, off))
        ready = time.monotonic()
        began, each, cpu = cloud.run(partial(make, cloud, site, servers, clients))
        runs.append(Run(off, session, began, each, cpu, conditions))
        if file:
            write(file, runs[-1])
        took = time.monotonic() - since
        longest = max(longest, took)
        sys.stderr.write(
            f"run {len(runs)} of {size(len(names))} in {took:.0f} s ({ready - since:.0f} s for restarts): "
            f"{len(off)} left out, {sum(cpu.values()):.3f} CPU s a server, {60 / each:.0f} servers a minute\n"
        )


def recorded(file: Path) -> list[Run]:
    """The runs in a file that belong together; refused otherwise."""
    try:
        runs = read(file)
    except (OSError, ValueError, TypeError, KeyError) as error:
        measuring.refuse(
            f"{file} cannot be read as recorded runs: {error}", "name a file that --record wrote"
        )
    if any(run.conditions != runs[0].conditions for run in runs):
        measuring.refuse(f"the runs in {file} were not made with the same options", "one file for each")
    return runs


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--root", help="a cloud of pretended hosts that stands; else one is brought up for it")
    words.add_argument("--only", nargs="+", metavar="NAME", help="entries of docs/reference/replacements.md")
    words.add_argument("--minutes", type=float, default=40)
    words.add_argument("--servers", type=int, default=24, help="made in each run")
    words.add_argument("--clients", type=int, default=4)
    words.add_argument("--hosts", type=int, default=5)
    words.add_argument("--seed", type=int, default=1, help="of the order of runs")
    words.add_argument(
        "--record", type=Path, metavar="FILE", help="add each run to it; go on after those in it"
    )
    words.add_argument(
        "--from", type=Path, metavar="FILE", dest="source", help="only print what was recorded"
    )
    given = words.parse_args()
    if given.source:
        runs = recorded(given.source)
        report(runs, list(map(str, cast(list[object], runs[0].conditions["names"]))) if runs else [])
        return
    names = measurable()
    if unknown := sorted(set(given.only or ()) - set(names)):
        measuring.refuse(f"nothing to measure: {', '.join(unknown)}", f"--only takes {', '.join(names)}")
    names = [name for name in names if not given.only or name in given.only]
    conditions = {
        "names": names,
        **{each: getattr(given, each) for each in ("servers", "clients", "hosts", "seed")},
    }
    runs = recorded(given.record) if given.record and given.record.exists() else []
    if runs and runs[0].conditions != conditions:
        measuring.refuse(
            f"the runs in {given.record} were made with other options or entries: {json.dumps(runs[0].conditions)}",
            "the same options, or another file",
        )
    # What takes no part in it would only add noise.
    without = "exclude: [dashboard, load-balancer, block-storage]"
    own = f"platform: {{{without}, compute: {{driver: fake, hosts: {given.hosts}}}}}\n"
    before = os.environ.get(TUNING)
    with measuring.cloud(given.root, own, standing=False) as cloud:
        try:
            os.environ[TUNING] = FULL
            # What is brought up for the first time, or anew for another reason, is no part of the time.
            cloud.up()
            sys.stderr.write(f"{len(names)} entries, {size(len(names))} runs, order by seed {given.seed}\n")
            measure(cloud, names, conditions, 60 * given.minutes, runs, given.record)
        finally:
            os.environ.pop(TUNING, None)
            if before is not None:
                os.environ[TUNING] = before
            if given.root:
                cloud.up()
    report(runs, names)


def report(runs: Sequence[Run], names: Sequence[str]) -> None:
    """Print what the runs tell."""
    try:
        text, said = table(runs, names)
    except TooFew as error:
        measuring.refuse(str(error), "more --minutes, or fewer entries with --only")
        return
    print(text)
    about = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} processors, {platform.machine()}",
    }
    print(json.dumps({**about, **dict(runs[0].conditions), **said}))


if __name__ == "__main__":
    measuring.run(main)
