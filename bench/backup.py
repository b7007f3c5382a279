"""How long a backup of a cloud takes and how large it is, the first and the second one; verifying, restoring it.

    python bench/backup.py [--volumes 2] [--size 256] [--to DIR]

Brings a cloud of its own up, with volumes of random bytes (MiB each) that cannot be compressed, and a running server
with a volume. Backs it up twice, verifies, destroys it, restores it to the same root, brings it up, takes it away.
The parts of a cloud must be in the cache (one `onestack up` before).
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import measuring

from onestack import Cloud
from onestack.core.wait import until
from onestack.spec import loads

Result = TypeVar("Result")
SPEC = "name: bench-backup\nplatform: {exclude: [dashboard, load-balancer]}\n"
SECONDS = 300.0


def timed(what: str, body: Callable[[], Result]) -> Result:
    """Call `body`, and print how long it took."""
    begun = time.monotonic()
    result = body()
    print(f"{what:<34} {time.monotonic() - begun:8.1f} s")
    return result


def furnish(admin: Any, count: int, size: int, work: Path) -> None:
    """Volumes of random bytes, and a server with an empty one."""
    file = work / "random"
    file.write_bytes(os.urandom(size << 20))
    for number in range(count):
        image = admin.create_image(f"random-{number}", filename=str(file), disk_format="raw", wait=True)
        gib = max(1, -(-size // 1024))
        volume = admin.block_storage.create_volume(size=gib, name=f"random-{number}", image_id=image.id)
        settled(admin, volume.id, "available")
        admin.image.delete_image(image.id)
    net = admin.network.create_network(name="bench")
    admin.network.create_subnet(name="bench", network_id=net.id, ip_version=4, cidr="10.77.0.0/24")
    server = admin.compute.create_server(
        name="bench",
        image_id=admin.image.find_image("tiny").id,
        flavor_id=admin.compute.find_flavor("m1.nano").id,
        networks=[{"uuid": net.id}],
    )
    admin.compute.wait_for_server(server, wait=SECONDS)
    volume = admin.block_storage.create_volume(size=1, name="used")
    settled(admin, volume.id, "available")
    admin.compute.create_volume_attachment(server.id, volume_id=volume.id)
    settled(admin, volume.id, "in-use")


def settled(admin: Any, volume: str, wanted: str) -> None:
    def look() -> tuple[bool, str]:
        status = str(admin.block_storage.get_volume(volume).status)
        return status == wanted, status

    until(f"a volume to be {wanted}", look, seconds=SECONDS, every=0.5)


def stored(place: Path) -> float:
    """The size of a repository, in MB."""
    return sum(each.stat().st_size for each in place.rglob("*") if each.is_file()) / 1e6


def measure(cloud: Cloud, place: Path, count: int, size: int, work: Path) -> None:
    timed("up", lambda: cloud.up(loads(SPEC, "bench")))
    timed("volumes and a server", lambda: cloud.run(lambda: furnish(cloud.connect(), count, size, work)))
    for which in ("first", "second"):
        made = timed(f"{which} backup", lambda: cloud.backups(place).create())
        print(f"    {made.size / 1e6:.0f} MB in {made.files} files; {made.added / 1e6:.1f} MB of them new")
    print(f"    the repository has {stored(place):.0f} MB")
    timed("verify", lambda: cloud.backups(place).verify())
    key = cloud.backups().key()
    timed("destroy", lambda: cloud.destroy())
    timed("restore", lambda: cloud.backups(place, key).restore())
    timed("up after it", lambda: cloud.up())


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--volumes", type=int, default=2, help="how many")
    words.add_argument("--size", type=int, default=256, help="of each, in MiB")
    words.add_argument(
        "--to", type=Path, help="where the backups are stored; a temporary folder if not given"
    )
    given = words.parse_args()
    if os.geteuid() != 0:
        measuring.refuse("this brings clouds up: it needs root", "run it with sudo, or as root")
    work = Path(tempfile.mkdtemp(prefix="bench-backup-", dir="/var/tmp"))
    cloud = Cloud(work / "cloud")
    try:
        measure(cloud, given.to or work / "repository", given.volumes, given.size, work)
    finally:
        cloud.destroy()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    measuring.run(main)
