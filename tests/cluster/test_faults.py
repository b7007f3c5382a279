"""What breaks while a cloud of three hosts is brought up or runs: afterwards `up` goes on, and nothing is lost.

How often `up` is cut off, and at which moments: ONESTACK_TEST_CUTS, ONESTACK_TEST_SEED.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Iterator, Sequence
from functools import partial
from urllib.parse import quote

import pytest

from cluster.cloud import COMPUTE, UP_SECONDS, clear, fetch_parts, onestack, status
from cluster.host import REPOSITORY, Host
from cluster.hosts import Hosts
from onestack.core.wait import until
from onestack.spec import loads

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

SPEC = """\
version: 1
name: faults
platform:
  exclude: [dashboard, block-storage, load-balancer]
  monitoring: {enabled: true}
hosts:
  - {name: c1, address: 10.77.0.11, roles: [control, network, compute]}
  - {name: n1, address: 10.77.0.21, roles: [compute]}
  - {name: n2, address: 10.77.0.22, roles: [compute]}
"""
TENANT = """\
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.9.0.0/24}]}]
    servers: [{name: web, image: tiny, flavor: m1.nano, networks: [{network: front}]}]
"""
PLACE = "/root/faults.yaml"
CUTS = int(os.environ.get("ONESTACK_TEST_CUTS", "3"))
SEED = int(os.environ.get("ONESTACK_TEST_SEED", "1"))
BACK_SECONDS = 240.0
"""How long what was killed may take to answer again, on a busy machine."""
SCRAPED = (
    *(("onestack", "c1"), ("haproxy", "c1"), ("rabbitmq", "c1")),
    *(("onestack-hosts", "n1"), ("onestack-hosts", "n2")),
)
"""Prometheus' jobs and hosts."""
QUERY = "http://127.0.0.1:9490/api/v1/query?query=up"
CONNECT = (
    "import socket, sys; made = socket.socket(); made.settimeout(3);"
    "print(made.connect_ex((sys.argv[1], int(sys.argv[2]))))"
)


def write(host: Host, place: str, text: str) -> None:
    host.run("python3", "-c", "import sys; open(sys.argv[1], 'w').write(sys.argv[2])", place, text)


def started(host: Host, *words: str) -> subprocess.Popen[str]:
    """A command of OneStack's that goes on; all that it says is one text."""
    argv = host.command(["env", "NO_COLOR=1", str(REPOSITORY / "onestack"), *words])
    return subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def ended(running: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = running.communicate(timeout=UP_SECONDS)
    return running.returncode, said


def healthy(control: Host) -> None:
    def look() -> tuple[bool, str]:
        found = status(control)
        return found["health"] == "healthy", "; ".join(found["reasons"])

    until("the cloud to be healthy", look, seconds=BACK_SECONDS, every=2)


def pid_of(control: Host, process: str, host: str) -> int:
    (found,) = (
        each["pid"]
        for each in status(control)["processes"]
        if (each["name"], each["host"] or "c1") == (process, host)
    )
    assert isinstance(found, int), f"{process} on {host} does not run"
    return found


def pids_of(host: Host, *words: str) -> list[str]:
    """The processes that pgrep finds in the host, by its own pids."""
    return host.run("pgrep", *words, check=False).split()


def kill(host: Host, pids: Sequence[str]) -> None:
    host.run("kill", "-9", *pids, check=False)


@pytest.fixture(scope="module")
def standing(all_hosts: Hosts) -> Iterator[Host]:
    """The control host, with the cloud up on all three."""
    fetch_parts(loads(SPEC))
    control = all_hosts["c1"]
    clear(all_hosts, control)
    write(control, PLACE, SPEC)
    try:
        onestack(control, "up", PLACE)
        yield control
    finally:
        for host in all_hosts:
            host.back()
        onestack(control, "destroy", "--yes")
        control.run("rm", "-f", PLACE)


def test_prometheus_asks_an_exporter_on_each_host(standing: Host) -> None:
    def up_everywhere() -> tuple[bool, str]:
        answer = onestack(standing, "exec", "curl", "-s", QUERY, check=False)
        try:
            rows = json.loads(answer)["data"]["result"]
            found = {(each["metric"]["job"], each["metric"]["host"]): each["value"][1] for each in rows}
        except (ValueError, KeyError):
            return False, answer
        return found == dict.fromkeys(SCRAPED, "1"), str(found)

    def counted(query: str, wanted: int) -> tuple[bool, str]:
        url = f"http://127.0.0.1:9490/api/v1/query?query={quote(query)}"
        answer = onestack(standing, "exec", "curl", "-s", url, check=False)
        try:
            return [each["value"][1] for each in json.loads(answer)["data"]["result"]] == [
                str(wanted)
            ], answer
        except (ValueError, KeyError):
            return False, answer

    until("all exporters to be scraped", up_everywhere, seconds=120, every=2)
    for query, wanted in {
        "count(node_load1)": 3,
        "count(rabbitmq_connections)": 1,
        "count(mysql_up)": 1,
    }.items():
        until(query, partial(counted, query, wanted), seconds=90, every=2)


def test_nobody_else_reaches_the_exporters(standing: Host, all_hosts: Hosts) -> None:
    def connected(argv: list[str]) -> bool:
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip() == "0"

    to_n1 = ["/usr/bin/python3", "-c", CONNECT, "10.77.0.21", "9464"]
    assert connected(standing.command(to_n1))
    assert not connected(all_hosts["n2"].command(to_n1))
    assert not connected(all_hosts.client_command(to_n1))
    # The control host's own certificate is not Prometheus'.
    tls = "/etc/onestack/tls"
    words = ("--cacert", f"{tls}/ca.pem", "--cert", f"{tls}/host.pem", "--key", f"{tls}/host.key")
    said = standing.run("curl", "-sS", "-m", "5", *words, "https://10.77.0.21:9464/metrics", check=False)
    assert "onestack_" not in said


def test_capacity_counts_a_host_that_is_not_in_the_cloud_yet(standing: Host) -> None:
    more = "/root/more.yaml"
    write(standing, more, f"{SPEC}  - {{name: n3, address: 10.77.0.29, roles: [compute]}}\n{TENANT}")
    found = json.loads(onestack(standing, "capacity", more, "--json"))
    assert found["classic"]["N"] == 4
    assert found["hosts_from"] == "Placement's inventories"
    (note,) = found["notes"]
    assert note.startswith("n3 is not in the cloud yet") and "assumed to have" in note
    assert json.loads(onestack(standing, "plan", more, "--json"))["notes"] == [note]
    standing.run("rm", more)


@pytest.mark.parametrize(
    ("process", "host"), [("rabbitmq", "c1"), ("ovn-controller", "n1"), ("nova", "n1"), ("nova", "c1")]
)
def test_a_process_that_is_killed_comes_back(
    standing: Host, all_hosts: Hosts, process: str, host: str
) -> None:
    before = pid_of(standing, process, host)
    kill(all_hosts[host], [str(before)])
    healthy(standing)
    until(
        f"another {process} to run",
        lambda: ((now := pid_of(standing, process, host)) != before, str(now)),
        seconds=60,
    )
    assert "No changes" in onestack(standing, "plan", PLACE)


def test_a_host_that_is_away_keeps_the_others_from_nothing(standing: Host, hosts: Hosts) -> None:
    hosts["n1"].lose()
    code, said = ended(started(standing, "up"))
    assert code == 1 and "n1 cannot be reached" in said
    # What the control host's unit does at boot.
    onestack(standing, "down", "--this-host")
    onestack(standing, "up", "--leave-unreachable")
    found = status(standing)
    assert [each for each in found["reasons"] if not each.startswith("host n1: ")] == []
    assert {each["host"] for each in found["processes"] if each["pid"]} >= {"n2"}
    hosts["n1"].back()
    onestack(hosts["n1"], "up")
    onestack(standing, "up")
    healthy(standing)


def test_two_ups_from_two_hosts_at_once(standing: Host, all_hosts: Hosts) -> None:
    onestack(all_hosts["n1"], "down")
    both = [started(standing, "up"), started(all_hosts["n1"], "up")]
    for code, said in map(ended, both):
        assert code == 0 or (code == 1 and "another command works on this: onestack up" in said), said
    onestack(standing, "up")
    healthy(standing)


def test_a_host_with_an_older_base_is_brought_to_this_one(standing: Host, all_hosts: Hosts) -> None:
    host = all_hosts["n2"]
    onestack(host, "down")
    choices = json.loads(host.run("cat", "/etc/onestack/choices.json"))
    # A mount of the host's own: the base is shared with the machine.
    host.run("mkdir", "/var/older")
    host.run("mount", "--bind", choices["base"], "/var/older")
    write(host, "/etc/onestack/choices.json", json.dumps({**choices, "base": "/var/older"}))
    onestack(host, "up")
    healthy(standing)
    said = onestack(standing, "up")
    assert "the release's packages changed" in said
    assert json.loads(host.run("cat", "/etc/onestack/choices.json"))["base"] == choices["base"]
    healthy(standing)
    host.run("umount", "/var/older")
    host.run("rmdir", "/var/older")


def moments() -> list[tuple[str, float]]:
    """How and after how many seconds `up` is cut off."""
    chance = random.Random(SEED)
    kinds = ("link", "agent", "ssh")
    return [(kinds[n % 3], round(chance.uniform(2.0, 25.0), 1)) for n in range(CUTS)]


@pytest.mark.parametrize(("kind", "after"), moments())
def test_an_up_that_is_cut_off_goes_on(standing: Host, hosts: Hosts, kind: str, after: float) -> None:
    host = hosts["n1"]
    onestack(standing, "down")
    running = started(standing, "up")
    # A moment, not a condition: whatever `up` is doing then.
    with pytest.raises(subprocess.TimeoutExpired):
        running.communicate(timeout=after)
    if kind == "link":
        host.cut()
    elif kind == "agent":
        kill(host, pids_of(host, "-f", "onestack[.]agent"))
    else:
        kill(standing, pids_of(standing, "-x", "ssh"))
    code, said = ended(running)
    host.back()
    # It may have had no more to do there.
    assert code in (0, 1), said
    if code:
        assert "n1" in said or "n2" in said, said
    onestack(standing, "up")
    healthy(standing)
    assert [name for name in COMPUTE if pids_of(hosts[name], "-f", "onestack[.]agent")] == []


def test_a_host_that_is_lost_is_taken_out_and_taken_on_again(standing: Host, hosts: Hosts) -> None:
    hosts["n2"].lose()
    code, said = ended(started(standing, "host", "remove", "n2", "--yes"))
    assert code == 1 and "--leave-unreachable" in said
    onestack(standing, "host", "remove", "n2", "--yes", "--leave-unreachable")
    healthy(standing)
    assert {each["name"] for each in json.loads(onestack(standing, "host", "list", "--json"))} == {"c1", "n1"}
    hosts["n2"].back()
    onestack(standing, "up", PLACE)
    healthy(standing)
