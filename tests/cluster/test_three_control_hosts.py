"""Three control hosts: any one of them is lost, and the APIs answer again within seconds; it comes back by `up`."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cluster.cloud import UP_SECONDS, fetch_parts, onestack, status
from cluster.control_hosts import ADDRESS, NAMES, SPEC, holder, members
from cluster.host import REPOSITORY, Host
from cluster.hosts import Hosts
from onestack.core.wait import until
from onestack.host.command import run
from onestack.spec import load

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

WORK = Path("/var/tmp/onestack-tests-three")
"""Beside the hosts that other tests share: each set has a bridge of its own."""
AWAY_SECONDS = 20.0
"""How long the APIs may be away; the aim is 5, and this machine has two processors for three hosts."""
# Makes a token and lists networks, which takes the database and OVN's; prints what failed, if anything.
WORKS = """
import openstack
cloud = openstack.connect()
cloud.authorize()
print(len(list(cloud.network.networks())), len(list(cloud.compute.services())))
"""


@pytest.fixture(scope="module")
def three() -> Iterator[Hosts]:
    """Hosts of their own, with the cloud up."""
    fetch_parts(load(SPEC))
    with Hosts.fresh(WORK, NAMES) as made:
        onestack(made["c1"], "up", str(SPEC))
        yield made


def ask(hosts: Hosts) -> str:
    """Keystone's answer at the virtual address, as a client beside the hosts gets it; empty without one."""
    words = ("curl", "--silent", "--insecure", "--max-time", "1", f"https://{ADDRESS}:8080/identity/v3")
    return run(hosts.client_command(words), seconds=10, check=False)


def token(host: Host) -> str:
    """An administrator's token; every control host can check it."""
    return onestack(
        host, "exec", "python", "-c", "import openstack; print(openstack.connect().auth_token)"
    ).strip()


def request(hosts: Hosts, path: str, token: str, *more: str) -> tuple[str, str]:
    """(status, body) of a request at the virtual address, as a client beside the hosts gets it."""
    words = ("curl", "--silent", "--insecure", "--max-time", "20", "--header", f"X-Auth-Token: {token}")
    words = (*words, "--write-out", "\n%{http_code}", *more, f"https://{ADDRESS}:8080/{path}")
    body, _, code = run(hosts.client_command(words), seconds=30, check=False).rpartition("\n")
    return code, body


def wait_for_the_apis(hosts: Hosts) -> None:
    until("the APIs to answer", lambda: ('"v3' in ask(hosts), "no answer"), seconds=AWAY_SECONDS, every=0.1)
    # No host answers for the address but the one that has it.
    assert holder(hosts).runs


def works(host: Host) -> str:
    """What an administrator gets of the APIs, on the leader."""
    return onestack(host, "exec", "python", "-c", WORKS).strip()


def _said(host: Host) -> str:
    return host.run("sh", "-c", "cat /root/said || true")


def test_all_members_work_together(three: Hosts) -> None:
    assert members(three["c1"]) == {"galera": 3, "ovn-databases": 3, "rabbitmq": 3}
    assert '"v3' in ask(three)
    assert works(three["c1"])
    assert holder(three).name in NAMES


def test_a_second_up_changes_nothing(three: Hosts) -> None:
    before = status(three["c1"])["processes"]
    onestack(three["c1"], "up", str(SPEC))
    after = status(three["c1"])["processes"]
    assert [(each["host"], each["name"], each["pid"]) for each in before] == [
        (each["host"], each["name"], each["pid"]) for each in after
    ]


def test_the_leader_is_lost_and_comes_back(three: Hosts) -> None:
    admin = token(three["c1"])
    three["c1"].lose()
    wait_for_the_apis(three)
    assert holder(three).name in ("c2", "c3")
    for path in ("image/v2/images", "volume/v3/volumes", "load-balancer/v2/lbaas/loadbalancers"):
        # Until the API gateway has noticed, and the database's has.
        until(
            f"{path} without the leader",
            lambda path=path: ((found := request(three, path, admin))[0] == "200", str(found)),  # type: ignore[misc]
            seconds=60,
        )
    assert request(three, "dashboard/auth/login/", admin)[0] == "200"
    refused = request(three, "volume/v3/volumes", admin, "--data", "{}")
    assert refused[0] == "503" and "c1 does not answer" in refused[1]
    three["c1"].back()
    onestack(three["c1"], "up", str(SPEC))
    assert members(three["c1"]) == {"galera": 3, "ovn-databases": 3, "rabbitmq": 3}
    assert works(three["c1"])


def test_a_lost_control_host_is_not_missed(three: Hosts) -> None:
    three["c2"].lose()
    wait_for_the_apis(three)
    assert works(three["c1"])
    found = status(three["c1"])
    assert found["health"] == "degraded"
    assert any("galera has 2 of 3 members: the next loss stops it" in each for each in found["reasons"])


def test_all_are_off_at_once_and_nothing_acknowledged_is_lost(three: Hosts) -> None:
    """In the middle of writes. They come back one after the other, the leader first, which waits for the others as
    its unit has it do at boot. One of them has been away for longer: it does not have what was written last."""
    admin, made, ended = token(three["c1"]), list[str](), threading.Event()

    def write() -> None:
        while not ended.is_set():
            name = f"made-without-c2-{len(made)}"
            text = json.dumps({"network": {"name": name}})
            if request(three, "networking/v2.0/networks", admin, "--data", text)[0] == "201":
                made.append(name)

    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(write)
        try:
            until("some writes", lambda: (len(made) > 5 or writing.done(), f"{len(made)}"), seconds=60)
            for host in three:
                if host.runs:
                    host.lose()
        finally:
            ended.set()
        writing.result()
        assert len(made) > 5
        three["c1"].back()
        line = f"{REPOSITORY}/onestack up --leave-unreachable --wait 300 --json >/root/said 2>&1"
        forming = pool.submit(three["c1"].run, "sh", "-c", line, seconds=UP_SECONDS)
        until(
            "up to wait for the others",
            lambda: ("waiting up to 300 s for c2, c3" in (said := _said(three["c1"])), said[-200:]),
            seconds=120,
        )
        for name in ("c3", "c2"):
            three[name].back()
        forming.result()
    assert members(three["c1"]) == {"galera": 3, "ovn-databases": 3, "rabbitmq": 3}
    found = onestack(three["c1"], "exec", "openstack", "network", "list", "-f", "value", "-c", "Name").split()
    assert not {*made} - {*found}
    assert works(three["c1"])
