"""A cloud in use is backed up, destroyed, and comes back: same ids, addresses, tokens and bytes."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud import guests, health, volumes
from cloud.command import lines, onestack, succeed
from onestack import Cloud
from onestack.core.contract import LIB
from onestack.health.verify import guest as page

pytestmark = pytest.mark.cloud

SPEC = """\
name: saved
platform: {exclude: [dashboard, load-balancer]}
tenants:
- name: shop
  networks: [{name: inner, cidr: 10.60.0.0/24}]
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    file = tmp_path / "saved.yaml"
    file.write_text(SPEC)
    return file


@pytest.fixture
def saved(cloud_roots: Path, spec: Path) -> Cloud:
    """A cloud of its own, since it is destroyed."""
    found = Cloud(cloud_roots / "saved")
    found.up(spec)
    return found


def content(cloud: Cloud, volume: str) -> str:
    """A digest of a volume's bytes, whether a server has it or not."""
    file = f"{LIB}/cinder/volumes/file/volume-{volume}"
    raw = f"{LIB}/tmp/raw"
    words = ["qemu-img", "convert", "--force-share", "-O", "raw", file, raw]
    cloud.site.leader.inside(words, seconds=120)
    plain = cloud.site.leader.outside(raw)
    try:
        with plain.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    finally:
        plain.unlink()


def load(cloud: Cloud, guest: guests.Guest, stop: threading.Event) -> Iterator[str]:
    """Use the cloud until it is told to stop: one failure a line."""

    def once() -> str:
        admin = cloud.connect()
        made = admin.network.create_network(name="meanwhile")
        admin.network.delete_network(made)
        answered, text = page.fetch(guest.address, "/")
        return "" if answered else text

    while not stop.is_set():
        yield cloud.run(once)


def test_it_comes_back_as_it_was(saved: Cloud, spec: Path, tmp_path: Path) -> None:
    place, key, root = tmp_path / "repository", tmp_path / "key", saved.paths.root
    guest = guests.start(saved, "served")

    def furnish() -> tuple[str, str]:
        admin = saved.connect()
        volume = volumes.made(admin, name="tested")
        disk = volumes.attached(admin, guest.server, volume)
        volumes.guest_says(guest, disk, guests.TOKEN)
        # A snapshot, so that the guest writes to the upper of two files.
        volumes.snapshot(admin, volume)
        return volume, disk

    volume, disk = saved.run(furnish)
    held, token = guests.resources(saved), saved.run(lambda: saved.connect().authorize())
    bytes_before = content(saved, volume)

    stop, failures = threading.Event(), []
    user = threading.Thread(target=lambda: failures.extend(filter(None, load(saved, guest, stop))))
    user.start()
    try:
        made = lines(succeed(root, "backup create", "--json", "--to", str(place)))[-1]
    finally:
        stop.set()
        user.join()
    assert failures == []
    succeed(root, "backup key", "--out", str(key))

    succeed(root, "destroy", "--yes")
    succeed(root, "restore", made["short"], "--from", str(place), "--key", str(key))
    succeed(root, "up", "--json")

    health.wait_healthy(saved)
    assert guests.resources(saved) == held
    guests.wait_answers(saved, guest)
    saved.run(lambda: volumes.guest_says(guest, disk, guests.TOKEN))
    assert content(saved, volume) == bytes_before
    assert saved.check_volumes().findings == ()
    assert onestack(root, "plan", str(spec), "--detailed-exitcode").returncode == 0
    ask = (
        "curl",
        "-sf",
        "-o",
        "/dev/null",
        "-H",
        f"X-Auth-Token: {token}",
        f"{saved.site.gateway}/identity/v3/auth/projects",
    )
    assert subprocess.run(saved.network.command(ask), check=False).returncode == 0
