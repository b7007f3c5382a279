"""A cloud in use is backed up, destroyed, and comes back: same ids, addresses, tokens and bytes."""

from __future__ import annotations

import hashlib
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud import guests, health, volumes
from cloud.command import lines, onestack, succeed
from onestack import Cloud
from onestack.core.contract import LIB
from onestack.core.wait import until
from onestack.health.backup.guests import running
from onestack.health.verify import guest as page
from onestack.platform import backups

pytestmark = pytest.mark.cloud

SPEC = """\
name: saved
platform:
  exclude: [dashboard, load-balancer]
  backup: {to: %s, every: 1h}
tenants:
- name: shop
  networks: [{name: inner, subnets: [{name: inner, cidr: 10.60.0.0/24}]}]
"""
MEANWHILE = "meanwhile"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "repository"


@pytest.fixture
def spec(tmp_path: Path, place: Path) -> Path:
    file = tmp_path / "saved.yaml"
    file.write_text(SPEC % place)
    return file


@pytest.fixture
def saved(cloud_roots: Path, spec: Path) -> Cloud:
    """A cloud of its own, since it is destroyed."""
    found = Cloud(cloud_roots / "saved")
    found.up(spec)
    return found


def content(cloud: Cloud, volume: str) -> str:
    """A digest of the bytes of a volume that a running server has."""
    used = [each.file for row in running(cloud.site.leader).values() for each in row]
    (file,) = (each for each in used if f"volume-{volume}" in each)
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
        made = admin.network.create_network(name=MEANWHILE)
        admin.network.delete_network(made)
        answered, text = page.fetch(guest.address, "/")
        return "" if answered else text

    while not stop.is_set():
        yield cloud.run(once)


def tidy(cloud: Cloud) -> None:
    """Remove what that left: the network that there was at the moment of the backup."""
    network = cloud.connect().network
    for each in network.networks(name=MEANWHILE):
        network.delete_network(each)


def allowed(cloud: Cloud, token: str) -> int:
    """What the Identity API answers to a token."""
    request = urllib.request.Request(f"{cloud.site.gateway}/identity/v3/auth/projects")
    request.add_header("X-Auth-Token", token)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return int(answer.status)


def scheduled(cloud: Cloud) -> str:
    """The backup that the keeper makes by itself, when it is complete."""

    def look() -> tuple[bool, str]:
        found = backups.of(cloud.site)
        assert found is not None and not found.error, found
        return found.last is not None, str(found)

    until("the keeper's backup to be complete", look, seconds=240, where=cloud.paths.log / "backup.log")
    return backups.read(cloud.paths).last


def test_it_comes_back_as_it_was(saved: Cloud, spec: Path, place: Path, tmp_path: Path) -> None:
    key, root = tmp_path / "key", saved.paths.root
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
    first = scheduled(saved)
    held, token = guests.resources(saved), saved.run(lambda: saved.connect().authorize())
    bytes_before = content(saved, volume)

    stop = threading.Event()
    failures: list[str] = []
    user = threading.Thread(target=lambda: failures.extend(filter(None, load(saved, guest, stop))))
    user.start()
    try:
        made = lines(succeed(root, "backup create", "--json"))[-1]
    finally:
        stop.set()
        user.join()
    assert failures == []
    assert first != made["short"]
    assert lines(succeed(root, "backup prune", "--json", "--keep-last", "1"))[-1] == {"deleted": 1, "kept": 1}
    succeed(root, "backup key", "--out", str(key))

    succeed(root, "destroy", "--yes")
    succeed(root, "restore", made["short"], "--from", str(place), "--key", str(key))
    succeed(root, "up", "--json")

    health.wait_healthy(saved)
    saved.run(lambda: tidy(saved))
    assert guests.resources(saved) == held
    guests.wait_answers(saved, guest)
    saved.run(lambda: volumes.guest_says(guest, disk, guests.TOKEN))
    assert content(saved, volume) == bytes_before
    assert saved.check_volumes().findings == ()
    assert onestack(root, "plan", str(spec), "--detailed-exitcode").returncode == 0
    assert saved.run(lambda: allowed(saved, token)) == 200
