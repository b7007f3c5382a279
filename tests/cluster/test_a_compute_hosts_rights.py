"""What a compute host may: its own work, and nothing of the other hosts, with all the credentials that it holds."""

from __future__ import annotations

import subprocess

import pytest

from cluster.cloud import COMPUTE
from cluster.host import Host
from cluster.hosts import Hosts

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

INSIDE = ("nsenter", "--mount=/run/onestack/ns/mnt", "--wdns=/", "--")
TLS = "/etc/onestack/tls"
SOUTH = (
    *("ovn-sbctl", "--db=ssl:10.77.0.11:6642", "--timeout=15", "--no-leader-only"),
    *(f"--private-key={TLS}/host.key", f"--certificate={TLS}/host.pem", f"--ca-cert={TLS}/ca.pem"),
)
BUS = """
import json, ssl, sys
import amqp
host, verb, queue = sys.argv[1:]
password = json.load(open("/etc/onestack/secrets.json"))[f"bus/{host}"]
tls = {"ca_certs": "/etc/onestack/tls/ca.pem", "certfile": "/etc/onestack/tls/host.pem",
       "keyfile": "/etc/onestack/tls/host.key", "cert_reqs": ssl.CERT_REQUIRED}
connection = amqp.Connection("10.77.0.11:5671", host, password, virtual_host="nova", ssl=tls)
connection.connect()
channel = connection.channel()
try:
    if verb == "read":
        channel.basic_get(queue)
    elif verb == "delete":
        channel.queue_delete(queue)
    else:
        channel.basic_publish(amqp.Message("x"), "nova", queue)
        channel.queue_declare(queue="", exclusive=True)
    print("allowed")
except amqp.AccessRefused as refused:
    print("refused")
"""


def on_the_bus(host: Host, verb: str, queue: str) -> str:
    words = ("env", "PYTHONPATH=/usr/lib/onestack", "python3", "-c", BUS, host.name, verb, queue)
    return host.run(*INSIDE, *words).strip()


@pytest.mark.parametrize("verb", ["read", "delete"])
def test_the_queues_of_other_hosts_are_closed(cloud: Host, all_hosts: Hosts, verb: str) -> None:
    for queue in ("compute.n2", "conductor.c1", "scheduler.c1"):
        assert on_the_bus(all_hosts["n1"], verb, queue).endswith("refused"), queue
    assert on_the_bus(all_hosts["n1"], "read", "compute.n1").endswith("allowed")


def test_it_sends_only_to_those_that_its_work_needs(cloud: Host, all_hosts: Hosts) -> None:
    assert on_the_bus(all_hosts["n1"], "send", "conductor.c1").endswith("refused")


def test_ovn_lets_a_host_write_its_own_rows_alone(cloud: Host, all_hosts: Hosts) -> None:
    host = all_hosts["n1"]
    assert "n2" in host.run(*INSIDE, *SOUTH, "show")
    for words in (
        ("set", "Chassis", "n2", "external_ids:stolen=yes"),
        ("chassis-del", "n2"),
        ("set", "SB_Global", ".", "options:stolen=yes"),
    ):
        said = host.run(*INSIDE, *SOUTH, *words, check=False)
        assert "permission" in said or "RBAC" in said, said


@pytest.mark.parametrize("name", COMPUTE)
def test_the_database_is_not_on_the_network(cloud: Host, all_hosts: Hosts, name: str) -> None:
    words = "import socket; print(socket.socket().connect_ex(('10.77.0.11', 3306)))"
    assert all_hosts[name].run("python3", "-c", words).strip() == "111"


def test_strangers_reach_the_apis_and_no_port_between_hosts(cloud: Host, all_hosts: Hosts) -> None:
    words = (
        "import socket, sys\n"
        "made = socket.socket(); made.settimeout(3)\n"
        "print(made.connect_ex(('10.77.0.11', int(sys.argv[1]))))"
    )

    def connected(port: int) -> bool:
        argv = all_hosts.client_command(["/usr/bin/python3", "-c", words, str(port)])
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip() == "0"

    assert connected(8080)
    assert not any(connected(port) for port in (5671, 6642, 8775, 16514, 16515))
