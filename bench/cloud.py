"""How long a cloud takes to come up, come back and go away, and what it costs when idle.

    python bench/cloud.py [--rounds 3] [--idle 60]

Base and environment must be in the cache (one `onestack up` before). Each round starts from an empty root.
Prints medians with their parts, and the figures of the standard layout (46 processes, RabbitMQ, memcached,
measured on the same kind of machine, 2 cores) beside them; those cannot be run in the same minute here,
since the base holds no RabbitMQ: `peer` marks them as taken from the record.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import measuring

from onestack import Cloud
from onestack.core.events import Event
from onestack.host import processes

PEER = {"first up": 144.0, "up after down": 56.0, "idle PSS MiB": 2580.0, "idle CPU %": 2.65}
"""The standard way: seconds, seconds, MiB, percent of one core."""


def timed(body: Callable[[], object]) -> float:
    begun = time.monotonic()
    body()
    return time.monotonic() - begun


def cpu_seconds(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def everything(cloud: Cloud) -> list[int]:
    """The pids of all that runs for a cloud, the supervisor and the keeper outside the namespace too."""
    supervisor = cloud.site.leader.supervisor
    inside = [each.pid for each in processes.inside(cloud.paths.run)]
    keeper = supervisor.programs()["keeper"].pid
    assert supervisor.pid is not None
    return [*inside, supervisor.pid, keeper]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--idle", type=float, default=60.0, help="seconds that idle CPU is measured over")
    given = words.parse_args()
    if os.geteuid() != 0:
        measuring.refuse("this brings clouds up and down: it needs root", "run it with sudo, or as root")
    found: dict[str, list[float]] = {}
    parts: dict[str, list[float]] = {}

    def hear(event: Event) -> None:
        if event.state == "finished" and event.seconds is not None:
            parts.setdefault(event.step, []).append(event.seconds)

    def note(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)
        print(f"  {name:<28} {value:8.1f}", flush=True)

    for index in range(given.rounds):
        print(f"round {index + 1} of {given.rounds}, load {os.getloadavg()[0]:.1f}")
        with tempfile.TemporaryDirectory(prefix="onestack-bench-", dir="/var/tmp") as root:
            cloud = Cloud(root)
            try:
                store = cloud.paths.release("2026.2")
                for dump in store.glob("databases-*.sql"):
                    dump.unlink()
                note("first up", timed(partial(cloud.up, emit=hear)))
                cloud.destroy()
                note("first up, databases cached", timed(cloud.up))
                pids = everything(cloud)
                note("processes", len(pids))
                time.sleep(5)
                before, begun = cpu_seconds(pids), time.monotonic()
                time.sleep(given.idle)
                note("idle CPU %", 100 * (cpu_seconds(pids) - before) / (time.monotonic() - begun))
                note("idle PSS MiB", sum(processes.memory(pid) or 0 for pid in pids) / 1024)
                note("down", timed(cloud.down))
                note("up after down", timed(cloud.up))
                note("verify --quick", timed(cloud.verify))
            finally:
                note("destroy", timed(cloud.destroy))
    print(f"\nmedians of {given.rounds}" + " " * 14 + "ours     peer    ratio")
    for name, values in found.items():
        ours = statistics.median(values)
        peer = PEER.get(name)
        beside = f"{peer:8.1f} {peer / ours:7.1f}x" if peer else ""
        print(f"{name:<28} {ours:8.1f} {beside}")
    print("\nparts of the first up, seconds (they overlap)")
    for name, values in sorted(parts.items(), key=lambda item: -statistics.median(item[1])):
        print(f"  {name:<36} {statistics.median(values):7.1f}")


if __name__ == "__main__":
    measuring.run(main)
