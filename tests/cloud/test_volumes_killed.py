"""Processes and guests are killed in the middle of what is done to volumes: nothing is lost, nothing stays stuck.

Operations in a random order; at every third one, somebody is killed a moment after it was asked for. Their number and
the seed of the order can be set: ONESTACK_TEST_OPERATIONS, ONESTACK_TEST_SEED.
What a volume held before must be in it afterwards, and `volumes check` must leave each in a true state.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from keystoneauth1.exceptions import ClientException
from openstack.connection import Connection
from openstack.exceptions import SDKException

from cloud import guests, health, volumes
from onestack import Cloud
from onestack.core.errors import OneStackError
from onestack.core.wait import until
from onestack.health.volumes import chain, collect

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1500)]

OPERATIONS = int(os.environ.get("ONESTACK_TEST_OPERATIONS", "20"))
SEED = int(os.environ.get("ONESTACK_TEST_SEED", "7"))
VICTIMS = ("cinder", "nova", "libvirtd", "guest")
PATTERN = "0x5a"
GOES_ON = 8
"""Seconds for what was under way when somebody was killed. What takes longer is left alone by `volumes check`, and
waited for after it; what was cut off does not end by any waiting."""
SETTLED = {"available", "in-use", "error", "error_restoring"}


class Life:
    """A server with a volume that holds something, and what is done to it."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.admin = cloud.connect()
        self.storage = self.admin.block_storage
        self.server = server(self.admin)
        self.volume = volumes.made(self.admin, name="kept")
        self._io(self.file(), f"write -P {PATTERN} 0 1M", write=True)

    @property
    def folder(self) -> Path:
        return self.cloud.paths.data / "cinder/volumes/file"

    def file(self) -> str:
        """The volume's active file."""
        name = f"volume-{self.volume}"
        found = collect.folder(self.folder)
        active = chain.examine(name, found.of(name), found.infos.get(name, {})).active
        assert active, f"files {sorted(found.files)}"
        return active

    def holds(self) -> None:
        """What was written is there; raises CommandFailed with what is there instead."""
        self._io(self.file(), f"read -P {PATTERN} 0 1M")

    def _io(self, file: str, command: str, *, write: bool = False) -> None:
        how = [] if write else ["-r", "-U"]
        place = f"/var/lib/cinder/volumes/file/{file}"
        said = self.cloud.site.leader.inside(["qemu-io", *how, "-f", "qcow2", "-c", command, place])
        assert "verification failed" not in said, said

    # What is done; each only asks for it.

    def attach(self) -> None:
        if self.status() == "available":
            self.admin.compute.create_volume_attachment(self.server, volume_id=self.volume)
        else:
            self.admin.compute.delete_volume_attachment(self.server, self.volume)

    def snapshot(self) -> None:
        taken = list(self.storage.snapshots())
        if len(taken) < 3:
            self.storage.create_snapshot(volume_id=self.volume, name="taken", force=True)
        else:
            self.storage.delete_snapshot(taken[len(taken) // 2].id)

    def unsnapshot(self) -> None:
        for each in list(self.storage.snapshots())[:1]:
            self.storage.delete_snapshot(each.id)

    def extend(self) -> None:
        self.storage.extend_volume(self.volume, self.storage.get_volume(self.volume).size + 1)

    def backup(self) -> None:
        self.storage.create_backup(volume_id=self.volume, name="backup", force=True)

    def create_and_delete(self) -> None:
        others = [each.id for each in self.storage.volumes() if each.id != self.volume]
        if others:
            self.storage.delete_volume(others[0])
        else:
            self.storage.create_volume(size=1, name="other")

    def status(self) -> str:
        return str(self.storage.get_volume(self.volume).status)

    def quiet(self) -> tuple[bool, str]:
        """Whether nothing is under way."""
        everything = [*self.storage.volumes(), *self.storage.snapshots(), *self.storage.backups()]
        moving = [f"{each.name} {each.status}" for each in everything if each.status not in SETTLED]
        task = self.admin.compute.get_server(self.server).task_state
        return not moving and not task, f"{moving}, task {task}"


def server(admin: Connection) -> str:
    network = admin.network.create_network(name="killed")
    admin.network.create_subnet(name="killed", network_id=network.id, ip_version=4, cidr="10.78.0.0/24")
    return guests.made(admin, "killed", {"uuid": network.id})


def turns(chance: random.Random) -> Iterator[str]:
    """Who is killed next: each once, in an order of chance, again and again."""
    while True:
        yield from chance.sample(VICTIMS, len(VICTIMS))


def kill(life: Life, victim: str) -> None:
    if victim == "guest":
        for pid in guests.qemus(life.cloud):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return
    before = health.pids(life.cloud)[victim]
    os.kill(before, signal.SIGKILL)
    health.wait_back(life.cloud, victim, before)


def asked(operation: Callable[[], None]) -> None:
    """Ask; a refusal, or an answer that never came, is as good as any other."""
    with contextlib.suppress(SDKException, ClientException, OneStackError):
        operation()


def running(life: Life) -> None:
    """The server runs again: Nova stops one whose guest is gone."""

    def look_up() -> tuple[bool, str]:
        now = life.admin.compute.get_server(life.server)
        if now.status == "SHUTOFF" and not now.task_state:
            asked(lambda: life.admin.compute.start_server(life.server))
        alive = bool(guests.qemus(life.cloud))
        return now.status == "ACTIVE" and not now.task_state and alive, f"{now.status}, {now.task_state}"

    until("the server to run", look_up, seconds=volumes.SECONDS, every=1.0)


def test_nothing_is_lost_and_nothing_stays_stuck(cloud: Cloud) -> None:
    chance = random.Random(SEED)

    def work() -> None:
        life = Life(cloud)
        done: list[str] = []
        victims = turns(chance)
        with volumes.nothing_left(life.admin, life.server):
            for number in range(OPERATIONS):
                operation = chance.choice(
                    [
                        life.attach,
                        life.attach,
                        life.snapshot,
                        life.unsnapshot,
                        life.extend,
                        life.backup,
                        life.create_and_delete,
                    ]
                )
                victim = next(victims) if number % 3 == 0 else ""
                done.append(f"{operation.__name__} {victim}")
                story = f"seed {SEED}: {done[-6:]}"
                asking = threading.Thread(target=asked, args=(operation,))
                asking.start()
                if victim:
                    time.sleep(chance.uniform(0, 2))
                    kill(life, victim)
                asking.join()
                if victim:
                    health.wait_healthy(cloud)
                    running(life)
                with contextlib.suppress(OneStackError):
                    seconds = GOES_ON if victim else 120
                    until("nothing to be under way", life.quiet, seconds=seconds, every=0.5)
                outcome = cloud.check_volumes()
                assert outcome.left == (), (story, outcome)
                until("nothing to be stuck", life.quiet, seconds=60, every=0.5)
                assert life.status() in ("available", "in-use"), story
                life.holds()
        life.admin.compute.delete_server(life.server)

    cloud.run(work)
