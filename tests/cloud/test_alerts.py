"""Each alert fires in a real Prometheus when the metrics say so, ends with its cause, and is sent by a real
Alertmanager to who asked for it."""

from __future__ import annotations

import json
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath

import pytest

from cloud import told
from observe.test_exporter import free_port
from onestack import Cloud
from onestack.core import data
from onestack.core.events import silent
from onestack.core.wait import until
from onestack.host import base
from onestack.platform import alerts
from onestack.platform.infrastructure import alertmanager
from onestack.spec.monitoring import Receiver

pytestmark = pytest.mark.cloud
SECONDS = 90.0
HOST = 'hostname="n1",service="s",zone="z",disabledReason=""'
NETWORK = 'network_id="i",network_name="public",cidr="192.0.2.0/24",ip_version="4"'
LABELS = 'id="i",name="web"'
GOOD = f"""\
onestack_collect_timestamp_seconds 1
onestack_process_up{{process="nova"}} 1
onestack_process_restarts_total{{process="nova"}} 7
openstack_nova_up 1
openstack_nova_agent_state{{adminState="enabled",{HOST}}} 1
openstack_nova_agent_state{{adminState="disabled",{HOST}}} 0
openstack_cinder_agent_state{{adminState="enabled",{HOST}}} 1
openstack_nova_server_status{{status="ACTIVE",{LABELS}}} 0
openstack_cinder_volume_status{{status="in-use",{LABELS}}} 5
openstack_loadbalancer_loadbalancer_status{{operating_status="ONLINE",{LABELS}}} 0
openstack_neutron_network_ip_availabilities_used{{{NETWORK}}} 90
openstack_neutron_network_ip_availabilities_total{{{NETWORK}}} 100
openstack_placement_resource_usage{{resourcetype="VCPU",hostname="n1"}} 14
openstack_placement_resource_total{{resourcetype="VCPU",hostname="n1"}} 5
openstack_placement_resource_reserved{{resourcetype="VCPU",hostname="n1"}} 1
openstack_placement_resource_allocation_ratio{{resourcetype="VCPU",hostname="n1"}} 4
onestack_certificate_expiry_timestamp_seconds{{certificate="api-gateway"}} 4102444800
onestack_backup_last_good_timestamp_seconds 4102444800
onestack_backup_interval_seconds 3600
onestack_healing_restrained 0
onestack_healing_host_silent{{host="n1"}} 0
onestack_healing_host_fenced{{host="n1"}} 0
onestack_healing_timestamp_seconds 4102444800
"""
BAD = f"""\
onestack_collect_timestamp_seconds 1
onestack_process_up{{process="nova"}} 0
onestack_process_restarts_total{{process="nova"}} {{restarts}}
openstack_nova_up 0
openstack_nova_agent_state{{adminState="enabled",{HOST}}} 0
openstack_cinder_agent_state{{adminState="enabled",{HOST}}} 0
openstack_nova_server_status{{status="ERROR",{LABELS}}} 4
openstack_cinder_volume_status{{status="error_deleting",{LABELS}}} 10
openstack_loadbalancer_loadbalancer_status{{operating_status="ERROR",{LABELS}}} 3
openstack_neutron_network_ip_availabilities_used{{{NETWORK}}} 91
openstack_neutron_network_ip_availabilities_total{{{NETWORK}}} 100
openstack_placement_resource_usage{{resourcetype="VCPU",hostname="n1"}} 15
openstack_placement_resource_total{{resourcetype="VCPU",hostname="n1"}} 5
openstack_placement_resource_reserved{{resourcetype="VCPU",hostname="n1"}} 1
openstack_placement_resource_allocation_ratio{{resourcetype="VCPU",hostname="n1"}} 4
onestack_certificate_expiry_timestamp_seconds{{certificate="api-gateway"}} 1
onestack_backup_last_good_timestamp_seconds 1
onestack_backup_interval_seconds 3600
onestack_healing_restrained 1
onestack_healing_host_silent{{host="n1"}} 1
onestack_healing_host_fenced{{host="n1"}} 1
onestack_healing_timestamp_seconds 1
"""


class Metrics:
    """A target whose metrics are good or bad; with bad ones a process is restarted at each scrape."""

    def __init__(self) -> None:
        self.bad = False
        self._restarts = 7
        metrics = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                metrics._restarts += 4 if metrics.bad else 0
                text = BAD.replace("{restarts}", str(metrics._restarts)) if metrics.bad else GOOD
                # Another host of the cloud, which is lost.
                lost = self.path == "/host" and metrics.bad
                self.send_response(500 if lost else 200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(b"" if self.path == "/host" else text.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def rules() -> str:
    """The cloud's, at once; restarts are counted for seconds."""
    found = json.dumps(alerts.rules(factor=0.0))
    assert "[15m]" in found
    return found.replace("[15m]", "[5s]")


_IN_TREE = 'mount --bind "$2" "$1/mnt"; tree=$1; shift 2; exec chroot "$tree" "$@"'


@contextmanager
def manager(tree: Path, folder: Path, http: int, smtp: int) -> Iterator[int]:
    """An Alertmanager of its own with a cloud's settings, at once; yields its port. It is run in its tree, where it
    finds its templates, with `folder` at /mnt."""
    (folder / "password").write_text(told.PASSWORD)
    receivers = (
        Receiver(webhook=f"http://127.0.0.1:{http}/hook", user=told.USER, password_file=PurePosixPath("/p")),
        Receiver(
            email="ops@a.example",
            sender="cloud@a.example",
            relay=f"127.0.0.1:{smtp}",
            encrypted=False,
            severity="critical",
        ),
    )
    text = json.dumps(alertmanager.configuration(receivers))
    for seconds in ('"15s"', '"5m"'):
        assert seconds in text
        text = text.replace(seconds, '"1s"')
    (folder / "manager.yml").write_text(text.replace(f"{alertmanager.ACCESS}/0.password", "/mnt/password"))
    port = free_port()
    words = [
        *("unshare", "--mount", "sh", "-ec", _IN_TREE, "sh", str(tree), str(folder), alertmanager.PROGRAM),
        *("--config.file=/mnt/manager.yml", "--storage.path=/mnt/manager"),
        *(f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="),
    ]
    with (
        (folder / "manager.log").open("wb") as out,
        subprocess.Popen(words, stdout=out, stderr=out) as started,
    ):
        try:
            yield port
        finally:
            started.terminate()


@contextmanager
def prometheus(program: Path, folder: Path, target: int, sent_to: int) -> Iterator[str]:
    """A Prometheus of its own with the cloud's rules; yields its URL. `sent_to`: an Alertmanager's port."""
    (folder / "alerts.yml").write_text(rules())
    address = [f"127.0.0.1:{target}"]
    settings = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": ["alerts.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{sent_to}"]}]}]},
        "scrape_configs": [
            {"job_name": "onestack", "static_configs": [{"targets": address}]},
            {
                "job_name": "onestack-hosts",
                "metrics_path": "/host",
                "static_configs": [{"targets": address, "labels": {"host": "n1"}}],
            },
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(settings))
    port = free_port()
    words = [
        str(program),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    log = folder / "log"
    with log.open("wb") as out, subprocess.Popen(words, stdout=out, stderr=out) as started:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            started.terminate()


def firing(url: str) -> set[str]:
    try:
        with urllib.request.urlopen(f"{url}/api/v1/alerts", timeout=5) as answer:
            found = json.load(answer)["data"]["alerts"]
    except OSError:
        return set()
    for each in found:
        assert each["annotations"]["summary"]
        assert "<no value>" not in each["annotations"]["summary"], each
    return {each["labels"]["alertname"] for each in found if each["state"] == "firing"}


def test_each_alert_fires_with_its_cause_and_ends_with_it(cloud: Cloud, tmp_path: Path) -> None:
    metrics = Metrics()
    threading.Thread(target=metrics.server.serve_forever, daemon=True).start()
    program = cloud.site.leader.tree("") / "usr/bin/prometheus"
    series = cloud.site.spec.platform.release
    tree = base.ensure_tree(data.release(series), cloud.paths.release(series), alertmanager.TREE, silent)
    everything = {each.name for each in alerts.ALERTS}
    heard = told.Told()
    http, smtp = heard.start()
    try:
        with (
            manager(tree, tmp_path, http.server_address[1], smtp.server_address[1]) as port,
            prometheus(program, tmp_path, metrics.server.server_port, port) as url,
        ):
            # Before the first scrape there are no metrics.
            wait_for(url, {"OneStackMetricsMissing"}, tmp_path)
            wait_for(url, set(), tmp_path)
            metrics.bad = True
            wait_for(url, everything, tmp_path)
            hears(heard, "firing", everything, tmp_path)
            metrics.bad = False
            wait_for(url, set(), tmp_path)
            hears(heard, "resolved", everything, tmp_path)
        assert not heard.refused
        mailed = {name for name in everything for mail in heard.mails if name in mail}
        assert mailed == {each.name for each in alerts.ALERTS if each.severity == "critical"}
    finally:
        metrics.server.shutdown()
        metrics.server.server_close()
        for each in (http, smtp):
            each.shutdown()
            each.server_close()


def hears(heard: told.Told, status: str, wanted: set[str], folder: Path) -> None:
    until(
        f"the web hook to hear what is {status}",
        lambda: (heard.names(status) >= wanted, f"missing {sorted(wanted - heard.names(status))}"),
        seconds=SECONDS,
        every=0.2,
        where=folder / "manager.log",
    )


def wait_for(url: str, wanted: set[str], folder: Path) -> None:
    def look() -> tuple[bool, str]:
        found = firing(url)
        return found == wanted, f"missing {sorted(wanted - found)}, more {sorted(found - wanted)}"

    until("the alerts", look, seconds=SECONDS, every=0.2, where=folder / "log")
