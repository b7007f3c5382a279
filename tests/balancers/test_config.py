"""Octavia's text made to fit one HAProxy in a namespace, and when the runtime socket is enough."""

from __future__ import annotations

import pytest

from onestack_runtime.drivers.balancer import config
from onestack_runtime.drivers.balancer.config import Extra
from onestack_runtime.drivers.balancer.places import Place

PLACE = Place("e951c62f-85c1-4fbb-b8e3-f8128b7d0175")
# As Octavia 19.0.0 renders it, shortened.
OCTAVIAS = """\
# Configuration for loadbalancer e951c62f-85c1-4fbb-b8e3-f8128b7d0175
global
    daemon
    user nobody
    log None local0
    stats socket /var/lib/octavia/e951.sock mode 0666 level user
    server-state-file /var/lib/octavia/e951/servers-state
    maxconn 5000
    external-check
    insecure-fork-wanted

defaults
    no log
    retries 3

frontend prometheus-exporter-internal-endpoint
    bind 127.0.0.1:9101
backend prometheus-exporter-internal
    server prometheus-internal 127.0.0.1:9102

frontend L1
    maxconn 5000
    bind 10.0.0.9:80
    mode http
    default_backend P1:L1

frontend L2
    bind 10.0.0.9:9100
    mode http
    default_backend prometheus-exporter-internal

backend P1:L1
    mode http
    balance source
    stick-table type ipv6 size 10k
    stick on src
    option external-check
    external-check command /var/lib/octavia/ping-wrapper.sh
    server M1 10.0.0.11:80 weight 1 check inter 5s fall 3 rise 3
    server M2 10.0.0.12:80 weight 0 check inter 5s fall 3 rise 3 backup disabled
"""


def finished(**extra: object) -> str:
    return config.finish(OCTAVIAS, PLACE, Extra(**extra))  # type: ignore[arg-type]


def section(text: str, title: str) -> list[str]:
    return next(each.lines for each in config.parse(text) if each.title == title)


def test_the_global_section_is_ours() -> None:
    found = section(finished(threads=3), "global")
    assert f"stats socket {PLACE.socket} mode 600 level admin" in found
    assert {"user nobody", "group nogroup", "nbthread 3", "maxconn 5000", "insecure-fork-wanted"} <= set(
        found
    )
    assert not [line for line in found if line.startswith(("daemon", "log"))]


def test_session_tables_outlive_a_reload() -> None:
    text = finished()
    assert section(text, "peers local") == ["peer local 127.0.0.1:1025"]
    assert "stick-table type ipv6 size 10k peers local" in section(text, "backend P1:L1")
    without = config.finish(OCTAVIAS.replace("stick-table", "# stick-table"), PLACE, Extra())
    assert "peers local" not in [each.title for each in config.parse(without)]


def test_hashing_lets_servers_come_and_go() -> None:
    lines = section(finished(), "backend P1:L1")
    assert lines[lines.index("balance source") + 1] == "hash-type consistent"


def test_ping_is_run_by_our_script() -> None:
    assert f"external-check command {config.PING}" in section(finished(), "backend P1:L1")


def test_a_prometheus_listener_shows_haproxys_own_statistics() -> None:
    text = finished(prometheus={"L2"})
    lines = section(text, "frontend L2")
    assert "http-request use-service prometheus-exporter if { path /metrics }" in lines
    assert "prometheus-exporter-internal" not in text
    assert "default_backend P1:L1" in section(text, "frontend L1")


def test_a_tls_hello_monitor_shakes_hands() -> None:
    assert "check check-ssl verify none inter 5s" in finished(hello={"P1"})
    assert "check-ssl" not in finished()


def test_servers_are_read_back() -> None:
    one, two = config.servers(finished())
    assert (one.backend, one.name, one.address, one.weight, one.disabled) == (
        "P1:L1", "M1", "10.0.0.11:80", 1, False)  # fmt: skip
    assert two.disabled
    assert two.weight == 0
    assert two.options == ("check", "inter", "5s", "fall", "3", "rise", "3", "backup")


@pytest.mark.parametrize(
    ("before", "after", "reload"),
    [
        ("weight 1", "weight 7", False),
        (" backup disabled", " backup", False),
        ("    server M1", "    server M3 10.0.0.13:80 weight 1\n    server M1", False),
        (" backup disabled", "", True),
        ("10.0.0.11:80", "10.0.0.21:80", True),
        ("maxconn 5000", "maxconn 6000", True),
        ("bind 10.0.0.9:80", "bind 10.0.0.9:81", True),
        ("balance source", "balance leastconn", True),
    ],
)
def test_what_needs_a_reload(before: str, after: str, reload: bool) -> None:
    changed = config.finish(OCTAVIAS.replace(before, after), PLACE, Extra())
    assert changed != finished()
    assert config.needs_reload(finished(), changed) is reload


def test_new_certificates_need_a_reload() -> None:
    assert config.needs_reload(finished(tls="aa"), finished(tls="bb"))


def test_what_is_written_reads_the_same() -> None:
    text = finished(tls="aa")
    assert config.write(config.parse(text)) == text
    assert not config.needs_reload(text, text)


def test_names_of_interfaces_have_room() -> None:
    assert PLACE.name == "lb-e951c62f85c"
    assert len(PLACE.name) <= 15
