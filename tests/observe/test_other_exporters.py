"""Figures of hosts, guests, MariaDB and other parts under the names of their usual exporters."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from hosts.conftest import views
from onestack.observe import gauges, guests, libvirt, machine
from onestack.observe.resources import mysql
from onestack.platform import layout
from onestack.platform.infrastructure import alertmanager, gateway, rabbitmq
from onestack.platform.view import Monitoring
from onestack.spec import loads

DOMSTATS = """\
Domain: 'instance-00000001'
  state.state=1
  cpu.time=2500000000
  balloon.current=524288
  balloon.maximum=524288
  balloon.rss=1024
  vcpu.current=1
  vcpu.maximum=2
  vcpu.0.state=1
  vcpu.0.time=1500000000
  net.count=1
  net.0.name=tap1
  net.0.rx.bytes=100
  net.0.tx.drop=3
  block.count=2
  block.0.name=vda
  block.0.rd.bytes=4096
  block.0.rd.times=500000000
  block.1.name=vda
  block.1.allocation=5
Domain: 'instance-00000002'
  state.state=5
  vcpu.current=1
"""


def samples(found: Iterable[Metric]) -> dict[str, float]:
    """The samples as Prometheus reads them: name and labels -> value."""
    parsed: dict[str, float] = {}
    for family in text_string_to_metric_families(gauges.text(found).decode()):
        for each in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(each.labels.items()))
            assert parsed.setdefault(f"{each.name}{{{labels}}}", each.value) == each.value
    return parsed


def test_guests_counters_have_libvirt_exporters_names_and_units() -> None:
    found = samples(libvirt.families(guests.facts(DOMSTATS)))
    one = "domain=instance-00000001"
    assert found["libvirt_domains{}"] == 2
    assert found[f"libvirt_domain_info_cpu_time_seconds_total{{{one}}}"] == 2.5
    assert found[f"libvirt_domain_info_maximum_memory_bytes{{{one}}}"] == 512 * 1024 * 1024
    assert found[f"libvirt_domain_vcpu_time_seconds_total{{{one},vcpu=0}}"] == 1.5
    assert found[f"libvirt_domain_block_stats_read_bytes_total{{{one},target_device=vda}}"] == 4096
    assert found[f"libvirt_domain_block_stats_read_time_seconds_total{{{one},target_device=vda}}"] == 0.5
    assert found[f"libvirt_domain_interface_stats_receive_bytes_total{{{one},target_device=tap1}}"] == 100
    assert found[f"libvirt_domain_interface_stats_transmit_drops_total{{{one},target_device=tap1}}"] == 3
    state = "libvirt_domain_info_state{domain=instance-00000002,state_desc=the domain is shut off}"
    assert found[state] == 5
    assert not [name for name in found if "instance-00000002" in name and "cpu_time" in name]


def test_a_hosts_figures_are_the_kernels() -> None:
    found = samples(machine.families())
    assert found["node_load1{}"] >= 0
    assert found["node_memory_MemTotal_bytes{}"] > found["node_memory_MemAvailable_bytes{}"] > 0
    assert found["node_cpu_seconds_total{cpu=0,mode=idle}"] > 0
    assert 0 < found["node_boot_time_seconds{}"] < found["node_time_seconds{}"]
    assert found["node_network_receive_bytes_total{device=lo}"] >= 0
    assert [name for name in found if name.startswith("node_filesystem_avail_bytes{")]
    assert [name for name in found if name.startswith("node_uname_info{")]


def test_partitions_and_guests_interfaces_are_left_out(tmp_path: Path) -> None:
    for name in ("stat", "meminfo", "loadavg", "self/mounts"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(Path("/proc", name).read_text())
    disk = "1 2 3 4 5 6 7 8 9 10 11"
    (tmp_path / "diskstats").write_text(
        f" 8 0 sda {disk}\n 8 1 sda1 {disk}\n 259 0 nvme0n1 {disk}\n 7 0 loop0 {disk}\n"
    )
    (tmp_path / "net").mkdir()
    counters = " ".join(map(str, range(16)))
    (tmp_path / "net/dev").write_text(f"Inter-|\n face |\n  eth0:{counters}\n tap12: {counters}\n")
    found = samples(machine.families(tmp_path))
    read = {name: value for name, value in found.items() if name.startswith("node_disk_read_bytes_total")}
    assert read == {f"node_disk_read_bytes_total{{device={each}}}": 3 * 512.0 for each in ("sda", "nvme0n1")}
    sent = {name: value for name, value in found.items() if name.startswith("node_network_transmit_bytes")}
    assert sent == {"node_network_transmit_bytes_total{device=eth0}": 8.0}
    assert not [name for name in found if name.startswith("node_pressure")]


def test_mariadbs_status_and_commands() -> None:
    rows = [
        ("status", ["threads_connected", "7"]),
        ("status", ["wsrep_ready", "ON"]),
        ("status", ["wsrep_cluster_size", ""]),
        ("command", ["com_select", "12"]),
        ("variable", ["max_connections", "400"]),
    ]
    found = samples(mysql.families(rows))
    assert found == {
        "mysql_up{}": 1.0,
        "mysql_global_status_threads_connected{}": 7.0,
        "mysql_global_status_wsrep_ready{}": 1.0,
        "mysql_global_status_commands_total{command=select}": 12.0,
        "mysql_global_variables_max_connections{}": 400.0,
    }


@pytest.mark.parametrize("monitored", [True, False])
def test_haproxy_and_rabbitmq_export_where_there_is_a_prometheus(monitored: bool) -> None:
    view = views()["c1"]
    wanted = Monitoring(9490, 9464, 86400, 512) if monitored else None
    files = layout.files(replace(view, cloud=replace(view.cloud, monitoring=wanted)))
    assert (gateway.METRICS_SOCKET in files["api-gateway/haproxy.cfg"]) == monitored
    assert ("rabbitmq_prometheus" in files[f"{rabbitmq.HOME}/enabled_plugins"]) == monitored
    assert ("prometheus.tcp.ip = 127.0.0.1\n" in files[f"{rabbitmq.HOME}/rabbitmq.conf"]) == monitored


SENDING = """\
platform:
  monitoring:
    receivers:
      - {webhook: "http://127.0.0.1:7/hook", user: u, password_file: /root/p}
      - {email: ops@a.example, sender: c@a.example, relay: "127.0.0.1:25", encrypted: false, severity: critical}
    remote_write: {url: "https://m.example/api/v1/write", ca_file: /root/ca.pem}
"""


def test_who_gets_which_alerts() -> None:
    wanted = loads(SENDING, "cloud.yaml")
    assert wanted.monitored
    found = json.loads(json.dumps(alertmanager.configuration(wanted.platform.monitoring.receivers)))
    assert [(each["receiver"], each["matchers"], each["continue"]) for each in found["route"]["routes"]] == [
        ("receiver-1", [], True),
        ("receiver-2", ['severity="critical"'], True),
    ]
    nobody, hook, mail = found["receivers"]
    assert nobody == {"name": found["route"]["receiver"]}
    (settings,) = hook["webhook_configs"]
    assert settings["url"] == "http://127.0.0.1:7/hook"
    assert settings["http_config"]["basic_auth"] == {
        "username": "u",
        "password_file": "/var/lib/alertmanager/access/0.password",
    }
    (settings,) = mail["email_configs"]
    assert (settings["to"], settings["smarthost"], settings["require_tls"]) == (
        "ops@a.example",
        "127.0.0.1:25",
        False,
    )
