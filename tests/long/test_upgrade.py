"""A cloud of 2026.1 in use goes to 2026.2, back, and there again; by itself where it fails, and after a kill.

It needs the packages of both series, and some ten minutes on two processors. The tests are in order, on one cloud.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cloud import guests, health, volumes
from cloud.command import lines, onestack, start, succeed
from cloud.guests import Guest
from onestack import Cloud
from onestack.core import contract
from onestack.health.upgrade import journal
from onestack.host import exchange, processes
from onestack.platform.infrastructure import mariadb

pytestmark = pytest.mark.long

OLDER, NEWER = "2026.1", "2026.2"
SPEC = f'name: upgraded\nplatform: {{release: "{OLDER}"}}\n'
SECONDS = 900.0
APIS = {
    "identity": "identity/v3",
    "image": "image/healthcheck",
    "network": "networking/",
    "compute": "compute/",
}
"""Paths that need no token, and are answered by each service's own process."""
AWAY_SECONDS = 30.0
"""How long an API may be away, on one machine."""
PROBES_PER_SECOND = 10
EXCHANGED = {
    "keystone",
    "glance",
    "neutron",
    "placement",
    "cinder",
    "nova",
    "horizon",
    "octavia",
    "keeper",
    "autoscaler",
}
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_log = logging.getLogger("long")


@pytest.fixture(scope="module")
def upgraded(cloud_roots: Path, tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """A cloud of the older series."""
    file = tmp_path_factory.mktemp("upgraded") / "cloud.yaml"
    file.write_text(SPEC)
    found = Cloud(cloud_roots / "up")
    found.up(file)
    return found


@pytest.fixture(scope="module")
def guest(upgraded: Cloud) -> Guest:
    """A server with a floating IP and a volume on which it wrote."""
    found = guests.start(upgraded)

    def furnish() -> None:
        admin = upgraded.connect()
        disk = volumes.attached(admin, found.server, volumes.made(admin, name="kept"))
        volumes.guest_says(found, disk, guests.TOKEN)

    upgraded.run(furnish)
    return found


class Prober:
    """Asks again and again, and keeps when it was answered."""

    def __init__(self, url: str, seconds: float) -> None:
        self._url, self._seconds = url, seconds
        self.failed = 0
        self.answered = [time.monotonic()]

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(1 / PROBES_PER_SECOND):
            try:
                _DIRECT.open(self._url, timeout=self._seconds).close()
            except urllib.error.HTTPError as error:
                # Versions are answered with 300.
                if error.code >= 500:
                    self.failed += 1
                    continue
            except OSError:
                self.failed += 1
                continue
            self.answered.append(time.monotonic())

    @property
    def longest(self) -> float:
        """The longest time without an answer, in seconds."""
        times = [*self.answered, time.monotonic()]
        return max(after - before for before, after in pairwise(times))


@contextmanager
def probed(cloud: Cloud, guest: Guest) -> Iterator[dict[str, Prober]]:
    """Probe the guest and every API meanwhile."""
    probers = {name: Prober(f"{cloud.site.gateway}/{path}", 5.0) for name, path in APIS.items()}
    probers["guest"] = Prober(f"http://{guest.address}/", 2.0)
    stop = threading.Event()
    threads = [
        threading.Thread(target=lambda one=each: cloud.run(lambda: one.run(stop)))
        for each in probers.values()
    ]
    for thread in threads:
        thread.start()
    try:
        yield probers
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        _log.info(
            "%s", {name: f"{each.longest:.1f} s, {each.failed} failed" for name, each in probers.items()}
        )


def kept_pids(cloud: Cloud) -> dict[str, int]:
    """The processes that are not OpenStack's own: guests, switches, databases, the API gateway."""
    found = {name: pid for name, pid in health.pids(cloud).items() if name not in EXCHANGED}
    guests_ = [each for each in processes.inside(cloud.paths.run) if each.is_guest]
    return {**found, **{f"guest {each.words[2]}": each.pid for each in guests_}}


def runs(cloud: Cloud, series: str) -> None:
    """All of OpenStack's processes are of this series, and the cloud says so."""
    assert cloud.status().release == series
    layout = cloud.site.here.layout
    assert layout.environment is not None and layout.environment.parent.name == series
    pids = health.pids(cloud)
    found = [name for name in contract.API_PATHS if name in pids]
    assert {"keystone", "neutron", "nova"} <= {*found}
    assert [name for name in found if not exchange.runs_from(pids[name], layout)] == []


def works(cloud: Cloud, guest: Guest, name: str) -> None:
    """The guest answers, and so does another one that is made now: network, router, floating IP, metadata."""
    health.wait_healthy(cloud)
    guests.wait_answers(cloud, guest)
    made = guests.start(cloud, name)
    assert {guest.server, made.server} <= guests.resources(cloud)["servers"]


def events_of(process: Any) -> Iterator[dict[str, Any]]:
    for line in process.stdout:
        if line.startswith("{"):
            yield json.loads(line)


def sql(cloud: Cloud, text: str) -> None:
    cloud.site.leader.inside(mariadb.client(), text_in=text)


def test_a_check_changes_nothing_and_nothing_stops_it(upgraded: Cloud, guest: Guest) -> None:
    held = guests.resources(upgraded), health.pids(upgraded)
    (plan,) = lines(succeed(upgraded.paths.root, "upgrade", "--to", NEWER, "--check", "--json"))
    assert (plan["older"], plan["newer"], plan["stops"]) == (OLDER, NEWER, [])
    assert (guests.resources(upgraded), health.pids(upgraded)) == held
    assert journal.load(upgraded.paths) is None
    refused = onestack(upgraded.paths.root, "upgrade", "--to", "2031.1", "--check")
    assert refused.returncode == 2


def test_where_a_migration_fails_the_former_release_serves_on(upgraded: Cloud, guest: Guest) -> None:
    pids = health.pids(upgraded)
    sql(upgraded, "REVOKE INDEX, ALTER ON `nova`.* FROM 'nova'@'localhost';\n")
    try:
        done = onestack(upgraded.paths.root, "upgrade", "--to", NEWER, seconds=SECONDS)
    finally:
        sql(upgraded, "GRANT ALL ON `nova`.* TO 'nova'@'localhost';\n")
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{OLDER} serves on" in done.stderr
    assert health.pids(upgraded) == pids
    assert journal.load(upgraded.paths) is None
    runs(upgraded, OLDER)


def test_it_goes_up_while_it_serves(upgraded: Cloud, guest: Guest) -> None:
    held, pids = guests.resources(upgraded), kept_pids(upgraded)
    with probed(upgraded, guest) as probers:
        succeed(upgraded.paths.root, "upgrade", "--to", NEWER, "--json", seconds=SECONDS)
    assert probers["guest"].failed == 0
    assert {name: each.longest for name, each in probers.items() if each.longest > AWAY_SECONDS} == {}
    assert guests.resources(upgraded) == held
    assert kept_pids(upgraded) == pids
    runs(upgraded, NEWER)
    works(upgraded, guest, "made-on-the-newer")


def test_it_goes_back_with_what_was_made_meanwhile(upgraded: Cloud, guest: Guest) -> None:
    held, pids = guests.resources(upgraded), kept_pids(upgraded)
    with probed(upgraded, guest) as probers:
        succeed(upgraded.paths.root, "upgrade rollback", "--json", seconds=SECONDS)
    assert probers["guest"].failed == 0
    assert {name: each.longest for name, each in probers.items() if each.longest > AWAY_SECONDS} == {}
    assert guests.resources(upgraded) == held
    assert kept_pids(upgraded) == pids
    assert journal.load(upgraded.paths) is None
    runs(upgraded, OLDER)
    works(upgraded, guest, "made-after-the-way-back")


def test_what_the_former_release_cannot_have_refuses_and_a_restore_loses_it(
    upgraded: Cloud, guest: Guest
) -> None:
    root, held = upgraded.paths.root, guests.resources(upgraded)
    succeed(root, "upgrade", "--to", NEWER, "--json", seconds=SECONDS)
    lost = guests.start(upgraded, "lost")
    network = upgraded.run(lambda: upgraded.connect().network.find_network("lost", ignore_missing=False))
    sql(upgraded, f"INSERT INTO neutron.networkpvlan (network_id, pvlan) VALUES ('{network.id}', 1);\n")
    refused = onestack(root, "upgrade rollback")
    assert refused.returncode == 2
    assert network.id in refused.stderr and "private VLANs" in refused.stderr
    runs(upgraded, NEWER)

    said = lines(succeed(root, "upgrade rollback", "--restore", "--json", seconds=SECONDS))
    (named,) = (each["message"] for each in said if lost.server in each.get("message", ""))
    subprocess.run(shlex.split(named.partition("this ends it: ")[2]), check=True, capture_output=True)
    assert guests.resources(upgraded) == held
    runs(upgraded, OLDER)
    works(upgraded, guest, "made-after-the-restore")


def test_where_a_service_does_not_start_it_goes_back_by_itself(upgraded: Cloud, guest: Guest) -> None:
    held, pids = guests.resources(upgraded), kept_pids(upgraded)
    place = upgraded.site.leader.outside(contract.socket("octavia"))
    running = start(upgraded.paths.root, "upgrade", "--to", NEWER, "--json")
    said = []
    for event in events_of(running):
        said.append(event)
        at_first = sum(each.get("step") == "glance" for each in said) == 1
        if event.get("step") == "glance" and event.get("state") == "started" and at_first:
            # No process can listen where there is a folder with something in it.
            place.unlink(missing_ok=True)
            (place / "in the way").mkdir(parents=True)
        if "goes back" in event.get("message", ""):
            (place / "in the way").rmdir()
            place.rmdir()
    assert running.wait(SECONDS) == 1
    assert any(f"the cloud is back on {OLDER}" in event.get("error", "") for event in said), said[-3:]
    assert guests.resources(upgraded) == held
    assert kept_pids(upgraded) == pids
    runs(upgraded, OLDER)


@pytest.mark.parametrize("moment", ["snapshot", "migrate nova", "release", "neutron", "read checks"])
def test_killed_at_any_step_it_goes_on(upgraded: Cloud, guest: Guest, moment: str) -> None:
    """Each time it is killed a step later; the last call ends it."""
    running = start(upgraded.paths.root, "upgrade", "--to", NEWER, "--json")
    for event in events_of(running):
        if event.get("step") == moment and event.get("state") == "started":
            os.kill(running.pid, signal.SIGKILL)
            break
    running.wait(SECONDS)
    known = journal.load(upgraded.paths)
    assert known is not None and known.next is not None
    guests.wait_answers(upgraded, guest)


def test_after_the_last_kill_it_ends_and_is_committed(upgraded: Cloud, guest: Guest) -> None:
    root = upgraded.paths.root
    succeed(root, "upgrade", "--to", NEWER, "--json", seconds=SECONDS)
    runs(upgraded, NEWER)
    (state,) = lines(succeed(root, "upgrade status", "--json"))
    assert state["state"] == "waits for commit or rollback"
    pids = kept_pids(upgraded)
    # What `up` brings up is the release that it is: no process is exchanged, and no guest is restarted.
    before = health.pids(upgraded)
    succeed(root, "up", "--json")
    assert health.pids(upgraded) == before
    succeed(root, "upgrade commit", "--json", seconds=SECONDS)
    assert journal.load(upgraded.paths) is None
    assert kept_pids(upgraded) == pids
    works(upgraded, guest, "made-after-the-commit")
    refused = onestack(root, "upgrade rollback")
    assert refused.returncode == 2 and "backup" in refused.stderr
