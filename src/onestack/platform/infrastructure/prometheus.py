"""Prometheus: stores the metrics of the cloud's own exporters, for a bounded time and size, and answers queries.

It listens only on loopback in the cloud's network, and runs as an unprivileged user of its own. The leader's exporter
is on loopback, too; those of other hosts are asked over TLS, with a certificate that is for this alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from onestack.core.contract import LIB
from onestack.core.events import Emit
from onestack.platform import alerts, owned
from onestack.platform.infrastructure import alertmanager, rabbitmq
from onestack.platform.places import CA, PROMETHEUS_CERTIFICATE, bracketed
from onestack.platform.shape import Folder, InfrastructureService, Process, Ready, Step, local
from onestack.platform.view import HostView, View

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

NAME = "prometheus"
EVERY, ALERTS_EVERY = "5s", "15s"
FOLDER = f"{LIB}/prometheus"
CONFIG, RULES = f"{FOLDER}/prometheus.yml", f"{FOLDER}/alerts.yml"
"""Not below /etc/onestack, which only root can read."""
DATA = f"{FOLDER}/data"
TLS = f"{FOLDER}/tls"
REMOTE = f"{FOLDER}/access/remote-write"
"""The files by which it is let in at another one, without their ends."""
METRICS_PATH = "/metrics"
HAPROXY_PATH, RABBITMQ_PATH = "/haproxy", "/rabbitmq"
"""The exporter's paths: its own metrics, and those of the API gateway and the bus, which it passes on."""
OTHERS_EVERY = "15s"
"""They have many series, and change slowly."""
FILES = "prometheus files"
# Older samples do not count as present values. (A series that is no longer scraped ends at once anyway.)
_LOOK_BACK = "30s"
_QUEUE = {"max_shards": 2, "capacity": 2500, "max_samples_per_send": 1000}
"""A tenth of Prometheus' own memory for what waits to be sent: one cloud has few samples."""


def files(view: View) -> dict[str, str]:
    if view.cloud.monitoring is None:
        return {}
    wanted = view.cloud.monitoring
    port, own = wanted.exporter_port, {"host": view.here.name} if view.peers else {}
    here = [f"{view.backing.local}:{port}"]
    jobs = [_job("onestack", here, own), _job("haproxy", here, own) | _relayed(HAPROXY_PATH)]
    controls = [each for each in view.peers if "control" in each.roles]
    if view.peers:
        jobs.append(_hosts("onestack-hosts", view.peers, port))
    if controls:
        jobs.append(_hosts("haproxy-hosts", controls, port) | _relayed(HAPROXY_PATH))
    if rabbitmq.needed(view):
        jobs.append(_job("rabbitmq", here, own) | _relayed(RABBITMQ_PATH))
    if rabbitmq.needed(view) and controls:
        jobs.append(_hosts("rabbitmq-hosts", controls, port) | _relayed(RABBITMQ_PATH))
    if wanted.targets:
        jobs.append(_job("targets", list(wanted.targets)))
    # JSON is YAML, too, and quotes any target's name correctly.
    times = {"scrape_interval": EVERY, "scrape_timeout": "4s", "evaluation_interval": ALERTS_EVERY}
    settings: dict[str, object] = {"global": times, "rule_files": [RULES], "scrape_configs": jobs}
    if wanted.receivers:
        manager = {"static_configs": [{"targets": [f"{view.backing.local}:{wanted.alerts_port}"]}]}
        settings["alerting"] = {"alertmanagers": [manager]}
    if wanted.remote_write is not None:
        access = alertmanager.http_access(wanted.remote_write, REMOTE)
        settings["remote_write"] = [{"url": wanted.remote_write.url, "queue_config": _QUEUE, **access}]
    return {CONFIG: json.dumps(settings, indent=1), RULES: json.dumps(alerts.rules(), indent=1)}


def _job(name: str, targets: list[str], labels: Mapping[str, str] | None = None) -> dict[str, object]:
    static: dict[str, object] = {"targets": targets}
    return {"job_name": name, "static_configs": [static | ({"labels": dict(labels)} if labels else {})]}


def _relayed(path: str) -> dict[str, object]:
    return {"metrics_path": path, "scrape_interval": OTHERS_EVERY}


def _hosts(name: str, peers: Sequence[HostView], port: int) -> dict[str, object]:
    certificate = f"{TLS}/client.pem"
    return {
        "job_name": name,
        "scheme": "https",
        "tls_config": {"ca_file": f"{TLS}/ca.pem", "cert_file": certificate, "key_file": certificate},
        "static_configs": [
            {"targets": [f"{bracketed(each.address)}:{port}"], "labels": {"host": each.name}}
            for each in sorted(peers, key=lambda peer: peer.name)
        ],
    }


def write_files(site: Site, node: Node, emit: Emit) -> None:
    """What only its user may read: the certificate by which other hosts' exporters know it, the password by which
    another Prometheus does."""
    if site.peers:
        owned.folder(node, TLS, NAME, NAME, 0o700)
        owned.copy(node, {f"{TLS}/client.pem": PROMETHEUS_CERTIFICATE, f"{TLS}/ca.pem": CA}, NAME, NAME)
    if (other := site.spec.platform.monitoring.remote_write) is not None:
        owned.folder(node, REMOTE.rpartition("/")[0], NAME, NAME, 0o700)
        owned.write(node, alertmanager.access_files(other, REMOTE), NAME, NAME)


def _has_files(view: View) -> bool:
    wanted = view.cloud.monitoring
    return wanted is not None and (bool(view.peers) or wanted.remote_write is not None)


def steps(view: View) -> tuple[Step, ...]:
    return (Step(FILES, write_files, scope="leader"),) if _has_files(view) else ()


def processes(view: View) -> tuple[Process, ...]:
    wanted = view.cloud.monitoring
    if wanted is None:
        return ()
    # setpriv execs, so the supervised pid is Prometheus' own.
    drop = ("setpriv", f"--reuid={NAME}", f"--regid={NAME}", "--clear-groups", "--no-new-privs",
            "--inh-caps=-all", "--bounding-set=-all")  # fmt: skip
    return (
        Process(
            NAME,
            (
                *drop,
                NAME,
                f"--config.file={CONFIG}",
                f"--storage.tsdb.path={DATA}",
                f"--storage.tsdb.retention.time={wanted.retention}s",
                f"--storage.tsdb.retention.size={wanted.size}MB",
                f"--web.listen-address={view.backing.local}:{wanted.port}",
                # Pages of other sites must not read metrics through a user's browser.
                "--web.cors.origin=none",
                "--web.max-connections=64",
                f"--query.lookback-delta={_LOOK_BACK}",
                "--query.timeout=10s",
                "--query.max-concurrency=4",
                "--query.max-samples=5000000",
            ),
            Ready(
                command=(
                    "busybox",
                    "wget",
                    "-q",
                    "-T",
                    "5",
                    "-O",
                    "/dev/null",
                    f"http://{view.backing.local}:{wanted.port}/-/ready",
                ),
                seconds=60,
            ),
            needs=local(FILES) if _has_files(view) else (),
            scope="leader",
            stop_seconds=30,
            # Prefer a small heap to speed: one cloud has few samples.
            environment={"GOMAXPROCS": "1", "GOGC": "50"},
        ),
    )


SERVICE = InfrastructureService(
    NAME,
    processes,
    files,
    steps,
    folders=(Folder(FOLDER, "root", NAME, 0o750), Folder(DATA, NAME, NAME, 0o700)),
)
