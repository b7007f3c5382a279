"""What Prometheus scrapes: text with the last look's figures, those that are missing left out, none that are old."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from onestack.core.errors import PermanentError
from onestack.core.paths import Paths
from onestack.observe import GuestRates, MemberRates, Observation, PoolRates, exporter
from onestack.observe.exporter import Exporter
from onestack.platform.choices import Choices
from onestack.platform.infrastructure.gateway import METRICS_SOCKET
from onestack.platform.infrastructure.prometheus import HAPROXY_PATH
from onestack.platform.site import Site, on_this_host
from onestack.spec import load

LOOK = Observation(
    monotonic=1000.0,
    wall=1790000000.0,
    guests={"s1": GuestRates(50.0, None, 10.0, None)},
    members={
        ("p1", "m1"): MemberRates(True, 5.0, 2, 1, None, 0.0),
        ("p1", "m2"): MemberRates(None, None, 0, 0, 3.5, None),
    },
    pools={"p1": PoolRates(5.0, 2, 7, 3.5, 0.0)},
    failures=("guests: no",),
    balancers={"p1": "b1"},
)  # fmt: skip
KEEPER = {"restarts": {"nova": 2, "glance": 0}, "ready": {"nova": 17}}


def samples(text: bytes) -> dict[str, float]:
    found = {}
    for family in families(text.decode()):
        for each in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(each.labels.items()))
            found[f"{each.name}{{{labels}}}"] = each.value
    return found


def test_figures_have_names_and_labels() -> None:
    found = samples(exporter.text(LOOK, KEEPER, 1001.0))
    assert found["onestack_guest_cpu_percent{server=s1}"] == 50.0
    assert found["onestack_member_requests_per_second{balancer=b1,member=m1,pool=p1}"] == 5.0
    assert found["onestack_member_up{balancer=b1,member=m1,pool=p1}"] == 1.0
    assert found["onestack_pool_queue{balancer=b1,pool=p1}"] == 7.0
    assert found["onestack_guests_running{}"] == 1.0
    assert found["onestack_collect_failures{}"] == 1.0
    assert found["onestack_process_up{process=nova}"] == 1.0
    assert found["onestack_process_up{process=glance}"] == 0.0
    assert found["onestack_process_restarts_total{process=nova}"] == 2.0


def test_what_is_missing_is_not_there() -> None:
    found = samples(exporter.text(LOOK, {}, 1001.0))
    assert "onestack_guest_memory_percent{server=s1}" not in found
    assert "onestack_member_requests_per_second{balancer=b1,member=m2,pool=p1}" not in found
    assert "onestack_member_up{balancer=b1,member=m2,pool=p1}" not in found


@pytest.mark.parametrize("look", [None, LOOK])
def test_an_old_look_is_not_shown(look: Observation | None) -> None:
    found = samples(exporter.text(look, KEEPER, 1000.0 + exporter.OLDEST + 1))
    assert {name.partition("{")[0] for name in found} == {
        "onestack_process_up",
        "onestack_process_restarts_total",
    }


def test_the_keepers_note_is_believed_while_it_is_new(tmp_path: Path) -> None:
    file = tmp_path / "keeper.json"
    assert exporter.read_keeper(file) == {}
    file.write_text(json.dumps({**KEEPER, "time": time.time()}))
    assert exporter.read_keeper(file)["restarts"]["nova"] == 2
    file.write_text(json.dumps({**KEEPER, "time": time.time() - 1000}))
    assert exporter.read_keeper(file) == {}
    file.write_text("{")
    assert exporter.read_keeper(file) == {}


@pytest.fixture
def make(tmp_path: Path) -> Callable[[int], Site]:
    def call(port: int) -> Site:
        file = tmp_path / "cloud.yaml"
        file.write_text(f"platform: {{monitoring: {{exporter_port: {port}}}}}\n")
        paths = Paths(tmp_path / "root", tmp_path / "cache")
        paths.run.mkdir(parents=True)
        return on_this_host(paths, load(file), Choices("h", "qemu", "netdev", False, "/b", "/e", "/r", {}))

    return call


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_it_serves_what_it_was_given_last(make: Callable[[int], Site]) -> None:
    served = Exporter(make(free_port()))
    served.start()
    try:
        url = f"http://127.0.0.1:{served.address[1]}"
        assert b"onestack_guest" not in get(f"{url}/metrics")[1]
        served.set(replace(LOOK, monotonic=time.monotonic()))
        assert b'onestack_guest_cpu_percent{server="s1"} 50.0' in get(f"{url}/metrics")[1]
        assert get(f"{url}/etc/passwd")[0] == 404
    finally:
        served.stop()
    served.stop()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/metrics", timeout=5)


def test_it_passes_on_what_the_gateway_exports(make: Callable[[int], Site]) -> None:
    found = make(free_port())
    served = Exporter(found)
    assert served.answer(HAPROXY_PATH)[0] == 503
    place = found.here.outside(METRICS_SOCKET)
    place.parent.mkdir(parents=True)

    def answer() -> None:
        connection, _ = gateway.accept()
        with connection:
            asked = connection.recv(65536)
            assert asked.startswith(b"GET /metrics?scope=")
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhaproxy_up 1")

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as gateway:
        gateway.bind(str(place))
        gateway.listen()
        answering = threading.Thread(target=answer)
        answering.start()
        assert served.answer(HAPROXY_PATH) == (200, b"haproxy_up 1")
        answering.join()


def test_a_port_that_is_taken_is_said(make: Callable[[int], Site]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        served = Exporter(make(port := sock.getsockname()[1]))
        with pytest.raises(PermanentError, match=f"127.0.0.1:{port} cannot be bound") as raised:
            served.start()
    assert "exporter_port" in raised.value.hint
