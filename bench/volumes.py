"""How fast volumes are made, attached and snapshotted, on a cloud with real guests.

    python bench/volumes.py [--root DIR] [--rounds 10]

Prints p50 and p95 in seconds of: create (1 GiB, until available), attach (to a running server, until in-use),
snapshot (of the attached volume, until available), detach. What it makes it takes away. Without a root
it takes the cloud at /, or brings one up and takes it away.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import measuring
from openstack.connection import Connection
from openstack.exceptions import NotFoundException

from onestack import Cloud
from onestack.core.wait import until

BARS = {"create": 3.0, "attach": 5.0, "snapshot": 3.0}
"""Seconds, p50: what is wanted."""
SECONDS = 300.0


def became(get: Callable[[], Any], status: str) -> None:
    until(f"it to be {status}", lambda: (get().status == status, get().status), seconds=SECONDS, every=0.1)


def gone(get: Callable[[], Any]) -> None:
    def state() -> tuple[bool, str]:
        try:
            return False, str(get().status)
        except NotFoundException:
            return True, ""

    until("it to be gone", state, seconds=SECONDS, every=0.1)


def measure(admin: Connection, server: str, rounds: int) -> dict[str, list[float]]:
    storage = admin.block_storage
    times: dict[str, list[float]] = defaultdict(list)

    def timed(what: str, body: Callable[[], Any]) -> Any:
        begun = time.monotonic()
        found = body()
        times[what].append(time.monotonic() - begun)
        return found

    for number in range(rounds):

        def create(number: int = number) -> Any:
            made = storage.create_volume(size=1, name=f"bench-{number}")
            became(lambda: storage.get_volume(made.id), "available")
            return made

        volume = timed("create", create)

        def attach(volume: Any = volume) -> None:
            admin.compute.create_volume_attachment(server, volume_id=volume.id)
            became(lambda: storage.get_volume(volume.id), "in-use")

        timed("attach", attach)

        def snapshot(volume: Any = volume) -> Any:
            made = storage.create_snapshot(volume_id=volume.id, name="bench", force=True)
            became(lambda: storage.get_snapshot(made.id), "available")
            return made

        taken = timed("snapshot", snapshot)

        def detach(volume: Any = volume) -> None:
            admin.compute.delete_volume_attachment(server, volume.id)
            became(lambda: storage.get_volume(volume.id), "available")

        timed("detach", detach)
        storage.delete_snapshot(taken.id)
        gone(partial(storage.get_snapshot, taken.id))
        storage.delete_volume(volume.id)
        gone(partial(storage.get_volume, volume.id))
    return times


def run(cloud: Cloud, rounds: int) -> None:
    admin = cloud.connect()
    network = admin.network.create_network(name="bench-volumes")
    admin.network.create_subnet(network_id=network.id, cidr="10.9.0.0/24", ip_version=4)
    server = admin.compute.create_server(
        name="bench-volumes",
        image_id=admin.image.find_image("tiny", ignore_missing=False).id,
        flavor_id=admin.compute.find_flavor("m1.nano", ignore_missing=False).id,
        networks=[{"uuid": network.id}],
    )
    try:
        admin.compute.wait_for_server(server, wait=SECONDS, interval=0.3)
        for what, took in measure(admin, server.id, rounds).items():
            bar = f", bar {BARS[what]:g} s" if what in BARS else ""
            worst = sorted(took)[max(0, int(0.95 * len(took)) - 1)]
            print(f"{what:<9} p50 {statistics.median(took):.2f} s, p95 {worst:.2f} s{bar}")
    finally:
        admin.compute.delete_server(server.id)
        gone(lambda: admin.compute.get_server(server.id))
        admin.network.delete_network(network.id)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    words.add_argument("--root", help="a cloud that stands, and is left standing")
    words.add_argument("--rounds", type=int, default=10)
    given = words.parse_args()
    with measuring.cloud(
        given.root, "platform: {services: [compute, block-storage]}", "block-storage"
    ) as cloud:
        cloud.run(lambda: run(cloud, given.rounds))


if __name__ == "__main__":
    measuring.run(main)
