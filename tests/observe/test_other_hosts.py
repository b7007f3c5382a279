"""Exporters of the other hosts: who is answered, what the control host reads of them, and what Prometheus is told."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from onestack import spec
from onestack.core.paths import Paths
from onestack.host import preflight
from onestack.host.netns import Network
from onestack.observe import GuestRates, Observation, peers
from onestack.observe.exporter import Exporter, text
from onestack.observe.peers import Peers
from onestack.platform import between_hosts, layout, tls, up, watchers
from onestack.platform.choices import Choices
from onestack.platform.hosts import known
from onestack.platform.infrastructure import prometheus
from onestack.platform.node import Node
from onestack.platform.site import Site, on_this_host
from onestack.platform.view import HostView, View

SPEC = """\
platform: {{monitoring: {{enabled: true, exporter_port: {port}}}}}
hosts:
  - {{name: c1, address: 192.0.2.11, roles: [control, network, compute]}}
  - {{name: n1, address: 192.0.2.21, roles: [compute]}}
  - {{name: n2, address: 192.0.2.22, roles: [compute]}}
"""
ROLES = {"c1": ("control", "network", "compute"), "n1": ("compute",), "n2": ("compute",)}
LOOPBACK = "127.0.0.1"
SEEN = Observation(0.0, 0.0, {"s1": GuestRates(50.0, None, 10.0, 2.5)}, {}, {}, ())


def of(folder: Path, name: str, port: int = 9464) -> Site:
    """The cloud as the host `name` sees it, with its files below a folder of its own."""
    found = spec.loads(SPEC.format(port=port))
    views = tuple(
        HostView(each.name, str(each.address), "qemu", "netdev", frozenset(each.roles))
        for each in found.hosts
    )
    choices = Choices(name, "qemu", "netdev", False, "/b", "/e", "/r", {})
    paths = Paths(folder / name, folder / "cache")
    paths.etc.mkdir(parents=True, exist_ok=True)
    return on_this_host(paths, found, choices, known.Hosts("c1", views))


def at_loopback(site: Site) -> Site:
    """The same with loopback as each host's address, where a test can listen."""
    here: Node = replace(site.here, address=LOOPBACK)
    return replace(site, here=here, peers=tuple(replace(each, address=LOOPBACK) for each in site.peers))


def free_port() -> int:
    with socket.socket() as one:
        one.bind((LOOPBACK, 0))
        return int(one.getsockname()[1])


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Site]:
    """The cloud on a host, with the certificates that `up` gives it."""
    monkeypatch.setattr(Network, "call", lambda self, body: body())
    port = free_port()
    leader = at_loopback(of(tmp_path, "c1", port))
    folder = leader.paths.etc / "tls"
    files = {name: tls.host_files(folder, "test", name, LOOPBACK) for name in ROLES}
    tls.ensure_prometheus(leader)

    def call(name: str) -> Site:
        found = at_loopback(of(tmp_path, name, port))
        (found.paths.etc / "tls").mkdir(exist_ok=True)
        for file, content in files[name].items():
            (found.paths.etc / "tls" / file).write_bytes(content)
        return found

    return call


@pytest.fixture
def exporter(cloud: Callable[[str], Site]) -> Iterator[Exporter]:
    made = Exporter(cloud("n1"))
    made.set(replace(SEEN, monotonic=1e12))
    made.start()
    yield made
    made.stop()


def test_the_control_host_reads_the_guests_of_other_hosts(
    cloud: Callable[[str], Site], exporter: Exporter
) -> None:
    leader = cloud("c1")
    only_n1 = replace(leader, peers=tuple(each for each in leader.peers if each.name == "n1"))
    failures: list[str] = []
    assert Peers(only_n1).guests(failures) == {"s1": GuestRates(50.0, None, 10.0, 2.5)}
    assert failures == []


def test_one_that_does_not_answer_is_named_and_the_others_count(
    cloud: Callable[[str], Site], exporter: Exporter
) -> None:
    leader = cloud("c1")
    # n2 is asked at an address where nobody listens.
    away = replace(
        leader,
        peers=tuple(
            replace(each, address="127.0.0.9") if each.name == "n2" else each for each in leader.peers
        ),
    )
    failures: list[str] = []
    assert set(Peers(away).guests(failures)) == {"s1"}
    assert [each.partition(":")[0] for each in failures] == ["guests of n2"]


def ask(exporter: Exporter, context: ssl.SSLContext | None) -> str:
    host, port = exporter.address
    connection = (
        http.client.HTTPConnection(host, port, timeout=5)
        if context is None
        else http.client.HTTPSConnection(host, port, timeout=5, context=context)
    )
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def client(site: Site, certificate: str, key: str | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(site.paths.etc / "tls/ca.pem"))
    if certificate:
        folder = site.paths.etc / "tls"
        context.load_cert_chain(folder / certificate, folder / key if key else None)
    return context


def test_only_the_control_hosts_prometheus_is_answered(
    cloud: Callable[[str], Site], exporter: Exporter
) -> None:
    leader, other = cloud("c1"), cloud("n2")
    assert "onestack_guest_cpu_percent" in ask(exporter, client(leader, "prometheus.pem"))
    stranger = tls.host_files(other.paths.root / "strangers", "other", "c1", LOOPBACK)
    for name, content in stranger.items():
        (other.paths.etc / "tls" / f"strange-{name}").write_bytes(content)
    refused = [
        None,
        client(leader, ""),
        client(other, "host.pem", "host.key"),
        client(leader, "host.pem", "host.key"),
        client(other, "strange-host.pem", "strange-host.key"),
    ]
    for context in refused:
        with pytest.raises((OSError, http.client.HTTPException)):
            ask(exporter, context)
    # A client that says nothing keeps no other waiting.
    with socket.create_connection(exporter.address):
        assert "onestack_guest_cpu_percent" in ask(exporter, client(leader, "prometheus.pem"))


def test_the_exporter_shows_the_hosts_own_certificate(
    cloud: Callable[[str], Site], exporter: Exporter
) -> None:
    leader = cloud("c1")
    with (
        socket.create_connection(exporter.address, 5) as plain,
        client(leader, "prometheus.pem").wrap_socket(plain, server_hostname=LOOPBACK) as wrapped,
    ):
        found = wrapped.getpeercert()
    assert found is not None and (("commonName", "n1"),) in found["subject"]


def test_what_is_missing_stays_missing() -> None:
    found = peers.guests(text(replace(SEEN, monotonic=1.0), {}, 2.0).decode())
    assert found == {"s1": GuestRates(50.0, None, 10.0, 2.5)}
    assert peers.guests("") == {}


def views(tmp_path: Path) -> dict[str, View]:
    """As each host has it; the leader makes the secrets."""
    leader = of(tmp_path, "c1").view
    return {each.here.name: each for each in layout.views(leader)}


def test_prometheus_asks_each_host_with_a_certificate_that_is_for_that_alone(tmp_path: Path) -> None:
    view = views(tmp_path)["c1"]
    jobs = json.loads(layout.files(view)[prometheus.CONFIG])["scrape_configs"]
    found = {each["job_name"]: each for each in jobs}
    assert set(found) == {"onestack", "haproxy", "rabbitmq", "onestack-hosts"}
    here, others = found["onestack"], found["onestack-hosts"]
    for name in ("haproxy", "rabbitmq"):
        assert found[name]["static_configs"] == here["static_configs"]
        assert found[name]["metrics_path"] == f"/{name}"
    assert here["static_configs"] == [{"targets": ["127.0.0.1:9464"], "labels": {"host": "c1"}}]
    assert others["scheme"] == "https"
    assert others["tls_config"] == {
        "ca_file": "/var/lib/prometheus/tls/ca.pem",
        "cert_file": "/var/lib/prometheus/tls/client.pem",
        "key_file": "/var/lib/prometheus/tls/client.pem",
    }
    assert others["static_configs"] == [
        {"targets": ["192.0.2.21:9464"], "labels": {"host": "n1"}},
        {"targets": ["192.0.2.22:9464"], "labels": {"host": "n2"}},
    ]
    assert prometheus.FILES in [each.name for each in layout.steps(view)]


def test_only_the_control_host_reaches_the_port(tmp_path: Path) -> None:
    tables = {name: between_hosts.rules(view, "t") for name, view in views(tmp_path).items()}
    drop = "ip daddr 192.0.2.21 ip saddr != { 192.0.2.11, 192.0.2.21 } tcp dport { 9464 } drop"
    assert drop in tables["n1"]
    assert "9464" not in tables["c1"]


def test_each_other_host_has_an_exporter_and_is_told_that_there_is_monitoring(tmp_path: Path) -> None:
    names = {name: [each.name for each in watchers.programs(of(tmp_path, name))] for name in ROLES}
    assert watchers.EXPORTER in names["n1"] and watchers.EXPORTER not in names["c1"]
    groups = spec.loads(
        SPEC.replace("platform: {{monitoring: {{enabled: true, exporter_port: {port}}}}}\n", "").format()
        + "tenants: [{name: shop, networks: [{name: n}], scaling_groups: ["
        "{name: web, max: 2, server: {image: tiny, flavor: m1.nano, network: n}}]}]\n"
    )
    told = spec.loads(up.spec_for_others(groups))
    assert told.monitored and not told.tenants
    quiet = spec.loads(up.spec_for_others(spec.loads("hosts: [{name: a, address: 192.0.2.1}]")))
    assert not quiet.monitored


def test_a_port_that_another_program_has_there_is_named(tmp_path: Path) -> None:
    from doctor.machines import PATHS, machine
    from onestack.host.facts import Listener

    found = of(tmp_path, "n1").spec
    address = found.hosts[1].address
    taken = machine(addresses=(address,), listeners=(Listener(address, 9464, 7, "node_exporter"),))
    said = preflight.check(found, taken, PATHS, needs_packages=False, host="n1")
    assert [each.summary for each in said] == ["port 9464 is in use on 192.0.2.21"]
