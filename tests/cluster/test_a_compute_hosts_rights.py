"""What a compute host may: its own work, and nothing of the other hosts, with all the credentials that it holds."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from cluster.cloud import COMPUTE, onestack
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


CALLS = """
import configparser, json, sys
from keystoneauth1 import identity, session
conf = configparser.RawConfigParser(strict=False)
conf.read("/etc/onestack/nova/nova.conf")
known = {}
for name in conf.sections():
    if conf.has_option(name, "password"):
        known[conf[name]["username"], conf[name]["password"]] = conf[name]
assert known
gateway = conf["service_user"]["auth_url"].rpartition("/")[0]
found = {}
for section in known.values():
    names = ("auth_url", "username", "password", "project_name", "user_domain_name", "project_domain_name")
    who = session.Session(identity.V3Password(**{n: section[n] for n in names}), verify=section["cafile"])
    for method, path, body in json.loads(sys.argv[1]):
        # Cinder shows attachments from 3.27 on.
        headers = {"OpenStack-API-Version": "volume 3.60"}
        answer = who.request(f"{gateway}/{path}", method, json=body, headers=headers, raise_exc=False)
        found.setdefault(f"{method} {path}", []).append(answer.status_code)
print(json.dumps(found))
"""
"""As each user whose password the host's Nova has: what each API answers."""


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


@pytest.fixture(scope="module")
def of_others(cloud: Host) -> Iterator[dict[str, str]]:
    """Ids of what another tenant (here the administrator's) has."""

    def client(*words: str) -> str:
        return onestack(cloud, "exec", "openstack", *words).strip()

    ident = ("-f", "value", "-c", "id")
    volume = client("volume", "create", "theirs", "--size", "1", *ident)
    # On the host that has volumes.
    words = ("--flavor", "m1.nano", "--image", "tiny", "--nic", "none", "--hint", f"local_to_volume={volume}")
    server = client("server", "create", "theirs", *words, "--wait", *ident)
    client("server", "add", "volume", "theirs", "theirs")
    listed = ("volume", "attachment", "list", "--volume-id", volume, "-f", "value", "-c", "ID")
    found = {
        "server": server,
        "volume": volume,
        "attachment": client("--os-volume-api-version", "3.60", *listed),
        "network": client("network", "show", "public", *ident),
        "image": client("image", "show", "tiny", *ident),
        "project": client("project", "show", "admin", *ident),
        "role": client("role", "show", "admin", *ident),
        "user": client("user", "show", "nova-compute-n1", *ident),
    }
    yield found
    client("server", "delete", "theirs", "--wait")
    client("volume", "delete", "theirs")


def answers(host: Host, calls: list[tuple[str, str, object]]) -> dict[str, list[int]]:
    """The status of each call, as each user that the host's Nova can be."""
    words = (*INSIDE, "env", "PYTHONPATH=/usr/lib/onestack", "python3", "-W", "ignore", "-c", CALLS)
    found = json.loads(host.run(*words, json.dumps(calls)))
    assert isinstance(found, dict)
    return found


def test_administrators_apis_are_closed_to_its_users(
    cloud: Host, all_hosts: Hosts, of_others: dict[str, str]
) -> None:
    it = of_others
    user = {"name": "stolen", "domain_id": "default", "password": "x" * 20}
    event = {"name": "network-vif-deleted", "server_uuid": it["server"], "tag": it["network"]}
    calls: list[tuple[str, str, object]] = [
        ("POST", "identity/v3/users", {"user": user}),
        ("GET", "identity/v3/users", None),
        ("GET", "identity/v3/projects", None),
        ("PUT", f"identity/v3/projects/{it['project']}/users/{it['user']}/roles/{it['role']}", None),
        ("GET", "compute/v2.1/servers?all_tenants=1", None),
        ("GET", f"compute/v2.1/servers/{it['server']}", None),
        ("DELETE", f"compute/v2.1/servers/{it['server']}", None),
        ("POST", f"compute/v2.1/servers/{it['server']}/action", {"os-stop": None}),
        ("POST", "compute/v2.1/os-server-external-events", {"events": [event]}),
        ("GET", "compute/v2.1/os-hypervisors", None),
        ("GET", "compute/v2.1/os-services", None),
        ("PUT", f"compute/v2.1/os-quota-sets/{it['project']}", {"quota_set": {"instances": 1}}),
        ("GET", "volume/v3/volumes/detail?all_tenants=1", None),
        ("GET", f"volume/v3/volumes/{it['volume']}", None),
        ("DELETE", f"volume/v3/volumes/{it['volume']}", None),
        ("POST", f"volume/v3/volumes/{it['volume']}/action", {"os-force_delete": {}}),
        ("POST", f"volume/v3/volumes/{it['volume']}/action", {"os-reset_status": {"status": "error"}}),
        ("PUT", f"volume/v3/attachments/{it['attachment']}", {"attachment": {"connector": {"host": "n1"}}}),
        ("POST", f"volume/v3/attachments/{it['attachment']}/action", {"os-complete": {}}),
        ("PUT", f"volume/v3/os-quota-sets/{it['project']}", {"quota_set": {"volumes": 1}}),
        ("GET", "volume/v3/os-services", None),
        ("DELETE", f"image/v2/images/{it['image']}", None),
        ("POST", "networking/v2.0/networks", {"network": {"name": "stolen"}}),
        ("DELETE", f"networking/v2.0/networks/{it['network']}", None),
        ("POST", "networking/v2.0/floatingips", {"floatingip": {"floating_network_id": it["network"]}}),
        ("PUT", f"networking/v2.0/quotas/{it['project']}", {"quota": {"network": 1}}),
    ]
    for name in COMPUTE:
        found = answers(all_hosts[name], calls)
        assert len(found) == len({(method, path) for method, path, _ in calls})
        wrong = {call: said for call, said in found.items() if not set(said) <= {401, 403, 404}}
        assert not wrong, f"{name}: {wrong}"


def test_its_own_work_is_open_to_its_user(cloud: Host, all_hosts: Hosts, of_others: dict[str, str]) -> None:
    calls: list[tuple[str, str, object]] = [
        ("GET", "placement/resource_providers", None),
        ("GET", "networking/v2.0/ports", None),
        ("GET", "networking/v2.0/floatingips", None),
        # Those of other tenants too, or Nova would forget them as stale.
        ("GET", f"volume/v3/attachments/{of_others['attachment']}", None),
    ]
    for name in COMPUTE:
        assert {200} == {each for said in answers(all_hosts[name], calls).values() for each in said}
