"""Whatever dies, balancers serve on or come back, and no change stays half made.

How many changes the kill test makes, and the seed of its order, can be set: ONESTACK_TEST_OPERATIONS,
ONESTACK_TEST_SEED.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from keystoneauth1.exceptions import ClientException
from openstack import exceptions

from cloud import health, members
from cloud.members import Field, Machine, get, who
from cloud.web import Web
from onestack import Cloud
from onestack.core.wait import until
from onestack.health.keeper import PERIOD

pytestmark = pytest.mark.cloud

OPERATIONS = int(os.environ.get("ONESTACK_TEST_OPERATIONS", "30"))
SEED = int(os.environ.get("ONESTACK_TEST_SEED", "3"))
VICTIMS = ("octavia", "haproxy", "ovs-vswitchd", "mariadb", "haproxy", "octavia")
TURNS = 20
"""Requests after which every member had its turn: to one whose weight came back from 0 HAProxy's round robin gives
several in a row (up to four were seen)."""


@pytest.fixture(scope="module")
def field(cloud: Cloud) -> Iterator[Field]:
    with members.in_network(cloud), members.field_of(cloud, "faults", "10.69.0.0/24") as made:
        yield made


@pytest.fixture(scope="module")
def two(field: Field) -> tuple[Machine, Machine]:
    pair = field.machine("f-one"), field.machine("f-two")
    for each in pair:
        each.serve()
    return pair


@pytest.fixture(scope="module")
def web(field: Field, two: tuple[Machine, Machine]) -> Web:
    made = Web(field, two)
    made.answers({"f-one", "f-two"})
    return made


def pid_file(cloud: Cloud, lb: str) -> Path:
    return cloud.site.leader.outside(f"/run/octavia/balancers/lb-{lb.replace('-', '')[:11]}/pid")


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False


def kill(cloud: Cloud, process: str) -> None:
    running = cloud.site.leader.supervisor.program(process)
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)


def api_back(web: Web) -> None:
    def look() -> tuple[bool, str]:
        try:
            return True, web.api.get_load_balancer(web.lb.id).provisioning_status
        except (exceptions.SDKException, ClientException, OSError) as error:
            return False, str(error)[:200]

    until("Octavia's API to answer", look, seconds=120, every=0.5)


@pytest.mark.parametrize("which", ["master", "worker"])
def test_a_haproxy_that_dies_is_back_at_once(cloud: Cloud, web: Web, which: str) -> None:
    before = int(pid_file(cloud, web.lb.id).read_text())
    victim = before if which == "master" else int(web.workers()[0])
    os.kill(victim, signal.SIGKILL)
    until("the victim to be gone", lambda: (not is_there(victim), str(victim)), seconds=5, every=0.005)

    def look() -> tuple[bool, str]:
        try:
            now = int(pid_file(cloud, web.lb.id).read_text())
            return now != before and get(web.ip, seconds=2)[0] == 200, str(now)
        except (OSError, ValueError) as error:
            # Not there, or made and not written yet.
            return False, repr(error)

    until("another to serve", look, seconds=20, every=0.02)
    web.answers({"f-one", "f-two"})


def test_balancers_serve_while_octavia_is_away_and_are_found_again(cloud: Cloud, web: Web) -> None:
    before = int(pid_file(cloud, web.lb.id).read_text())
    for end in (lambda: cloud.site.leader.supervisor.stop("octavia"), lambda: kill(cloud, "octavia")):
        end()
        assert set(who(web.ip, TURNS)) == {"f-one", "f-two"}
        cloud.site.leader.supervisor.launch("octavia")
        api_back(web)
        web.made(web.api.update_member, web.members["f-two"].id, web.pool.id, weight=0)
        assert set(who(web.ip, TURNS)) == {"f-one"}
        web.made(web.api.update_member, web.members["f-two"].id, web.pool.id, weight=1)
        assert int(pid_file(cloud, web.lb.id).read_text()) == before


def test_the_switch_starts_anew_under_balancers(cloud: Cloud, web: Web) -> None:
    kill(cloud, "ovs-vswitchd")
    time.sleep(PERIOD / 5)
    web.answers({"f-one", "f-two"}, seconds=60)


def checked(cloud: Cloud, *, repair: bool = True) -> dict[str, Any]:
    found: dict[str, Any] = cloud.balancing.check(repair=repair)
    return found


def _remove_namespace(cloud: Cloud, place: str, lb: str) -> None:
    cloud.site.leader.inside(["ip", "link", "delete", place])


def _change_configuration(cloud: Cloud, place: str, lb: str) -> None:
    file = cloud.site.leader.outside(f"/var/lib/octavia/balancers/{lb}/haproxy.cfg")
    file.write_text(file.read_text().replace("weight 1", "weight 2"))


def _tell_haproxy(cloud: Cloud, place: str, lb: str) -> None:
    members.tell_haproxy(cloud, lb, "set server {first} state maint")


def _unplug(cloud: Cloud, place: str, lb: str) -> None:
    cloud.site.leader.inside(["ovs-vsctl", "del-port", "br-int", place])


def _leave_a_port(cloud: Cloud, place: str, lb: str) -> None:
    words = ["--", "set", "Interface", "lb-00000000000", "external_ids:onestack=balancer"]
    cloud.site.leader.inside(["ovs-vsctl", "add-port", "br-int", "lb-00000000000", *words])


def _leave_files(cloud: Cloud, place: str, lb: str) -> None:
    cloud.site.leader.outside("/var/lib/octavia/balancers/00000000-1111-2222-3333-444444444444").mkdir()


Harm = Callable[[Cloud, str, str], None]
NOBODYS = {
    _leave_a_port: "a port of br-int that belongs to no balancer",
    _leave_files: "files of a balancer that is not in the database",
}


@pytest.mark.parametrize(
    "harms",
    [
        {_remove_namespace: "interface in it is missing", **NOBODYS},
        {_change_configuration: "differs from the database"},
        {_tell_haproxy: "differs: set server"},
        {_unplug: "not in br-int"},
    ],
    ids=lambda harms: ", ".join(harm.__name__ for harm in harms),
)
def test_check_finds_and_mends(cloud: Cloud, web: Web, harms: dict[Harm, str]) -> None:
    assert checked(cloud, repair=False)["found"] == []
    for harm in harms:
        harm(cloud, f"lb-{web.lb.id.replace('-', '')[:11]}", web.lb.id)
    found = checked(cloud, repair=False)
    assert [said for said in harms.values() if said not in str(found["found"])] == [], found
    assert found["left"] == found["found"]
    repaired = checked(cloud)
    assert repaired["found"]
    assert repaired["left"] == []
    web.answers({"f-one", "f-two"})


@dataclass(frozen=True)
class Killed:
    """A process that was killed. `pid`: its id then."""

    cloud: Cloud
    lb: str
    name: str
    pid: int

    @classmethod
    def now(cls, cloud: Cloud, lb: str, name: str) -> Killed:
        """Kill it: a service of the cloud, or the balancer's `haproxy`."""
        pid = int(pid_file(cloud, lb).read_text()) if name == "haproxy" else health.pids(cloud)[name]
        os.kill(pid, signal.SIGKILL)
        return cls(cloud, lb, name, pid)

    def wait_back(self) -> None:
        """Wait until another one runs in its place."""
        if self.name != "haproxy":
            health.wait_back(self.cloud, self.name, self.pid)
            return

        def look() -> tuple[bool, str]:
            try:
                pid = int(pid_file(self.cloud, self.lb).read_text())
            except (OSError, ValueError) as error:
                return False, repr(error)
            return pid != self.pid and is_there(pid), f"pid {pid}"

        until("HAProxy to come back", look, seconds=60, every=0.2)


def test_nothing_is_stuck_after_kills_during_many_changes(
    cloud: Cloud, web: Web, field: Field, two: tuple[Machine, Machine]
) -> None:
    chance = random.Random(SEED)
    victims = chance.sample(VICTIMS, len(VICTIMS))
    killed: list[Killed] = []
    api, lb = web.api, web.lb.id

    def change(number: int) -> None:
        kind = number % 5
        if kind == 0:
            api.create_member(
                web.pool.id, address=f"10.69.0.{150 + number % 100}", protocol_port=81 + number, weight=0
            )
        elif kind == 1:
            api.update_member(web.members["f-two"].id, web.pool.id, weight=chance.randint(1, 9))
        elif kind == 2:
            api.update_listener(web.listener.id, timeout_client_data=50_000 + number)
        elif kind == 3:
            api.create_listener(load_balancer_id=lb, protocol="TCP", protocol_port=1000 + number)
        else:
            extra = [each for each in api.listeners(load_balancer_id=lb) if each.id != web.listener.id]
            if extra:
                api.delete_listener(extra[0].id)

    done = tries = 0
    until_when = time.monotonic() + 10 * OPERATIONS + 60 * len(VICTIMS)
    while done < OPERATIONS and time.monotonic() < until_when:
        tries += 1
        # Spread over the changes, and one at a time: the one before must be back.
        if len(killed) < len(victims) and done * len(victims) >= (len(killed) + 0.5) * OPERATIONS:
            if killed:
                killed[-1].wait_back()
            killed.append(Killed.now(cloud, lb, victims[len(killed)]))
        try:
            change(done)
            done += 1
        except (exceptions.SDKException, ClientException, OSError):
            # Away, or not done with the change before.
            time.sleep(0.3)
    assert [each.name for each in killed] == victims, f"{done} of {OPERATIONS} operations in {tries} tries"
    assert done == OPERATIONS, f"{done} of {OPERATIONS} operations in {tries} tries"
    api_back(web)
    field.settled(lb)

    def settled() -> tuple[bool, str]:
        everything = [api.get_load_balancer(lb), *api.listeners(load_balancer_id=lb), *api.pools(loadbalancer_id=lb),
                      *api.members(web.pool.id)]  # fmt: skip
        seen = {each.provisioning_status for each in everything}
        return seen == {"ACTIVE"}, str(seen)

    until("everything to be ACTIVE", settled, seconds=120, every=0.5)
    web.answers({"f-one", "f-two"}, seconds=60, times=20)
    assert checked(cloud)["left"] == []
