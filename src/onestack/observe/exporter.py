"""Serves the last observation in Prometheus' text format.

On the leader on loopback in the cloud's network; on another host on its own address, with TLS, to the leader alone.
A stale observation is not served: Prometheus would store old values under a new time.
"""

from __future__ import annotations

import json
import logging
import socket
import socketserver
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric

from onestack.core.errors import PermanentError
from onestack.observe import gauges, healing, libvirt, machine, relays
from onestack.observe.gauges import gauge
from onestack.observe.observation import GuestRates, MemberRates, Observation, PoolRates
from onestack.platform import expiry, host_tls
from onestack.platform.backups import Record
from onestack.platform.backups import read as read_backups
from onestack.platform.infrastructure.lease import healer_file
from onestack.platform.infrastructure.prometheus import METRICS_PATH
from onestack.platform.places import PROMETHEUS
from onestack.platform.site import Site
from onestack.spec.platform import Platform

LOG = logging.getLogger("onestack.exporter")
OLDEST = 20.0
"""Seconds after which an observation is stale."""

GUEST = {
    "cpu_percent": ("cpu", "CPU in use, per cent of all virtual CPUs together."),
    "memory_percent": ("memory", "Memory in use, per cent."),
    "network_bytes_per_second": ("network", "Bytes a second through its NICs, both directions."),
    "disk_bytes_per_second": ("disk", "Bytes a second through its disks, both directions."),
}
_POOL = {
    "requests_per_second": ("requests", "Requests a second; for a TCP pool, connections."),
    "connections": ("connections", "Connections open now."),
    "queue": ("queue", "Queued requests."),
    "response_milliseconds": ("response_time", "Mean response time of recent requests."),
    "errors_per_second": ("errors", "5xx responses, failed connections and failed responses, a second."),
}
_MEMBER = {**_POOL, "up": ("up", "Whether its health check succeeds.")}


def text(
    observed: Observation | None, keeper: Mapping[str, Any], now: float, more: Iterable[Metric] = ()
) -> bytes:
    """The response body. `keeper`: the keeper's record of the processes. `now`: seconds, monotonic. `more`: metrics
    of other origin."""
    return gauges.text([*families(observed, keeper, now), *more])


def families(observed: Observation | None, keeper: Mapping[str, Any], now: float) -> Iterator[Metric]:
    """The metrics of an observation, and of the cloud's processes."""
    yield from _processes(keeper)
    if observed is None or now - observed.monotonic > OLDEST:
        return
    yield gauge(
        "onestack_collect_timestamp_seconds", "When this was observed, Unix time.", [], [((), observed.wall)]
    )
    yield gauge(
        "onestack_collect_failures", "Parts that could not be read.", [], [((), len(observed.failures))]
    )
    yield gauge("onestack_guests_running", "Running guests.", [], [((), len(observed.guests))])
    if observed.domains is not None:
        yield from libvirt.families(observed.domains)
    yield from _gauges("onestack_guest", GUEST, ["server"], [((k,), v) for k, v in observed.guests.items()])
    owners = observed.balancers
    pools = [((owners.get(pool, ""), pool), rates) for pool, rates in observed.pools.items()]
    yield from _gauges("onestack_pool", _POOL, ["balancer", "pool"], pools)
    members = [
        ((owners.get(pool, ""), pool, member), rates) for (pool, member), rates in observed.members.items()
    ]
    yield from _gauges("onestack_member", _MEMBER, ["balancer", "pool", "member"], members)


def _gauges(
    prefix: str,
    columns: Mapping[str, tuple[str, str]],
    labels: list[str],
    rows: Sequence[tuple[tuple[str, ...], GuestRates | MemberRates | PoolRates]],
) -> Iterator[Metric]:
    """A gauge for each column, with a sample for each row that has a value."""
    for name, (attribute, description) in columns.items():
        samples = [(key, getattr(row, attribute)) for key, row in rows]
        known = [(key, float(value)) for key, value in samples if value is not None]
        yield gauge(f"{prefix}_{name}", description, labels, known)


def _processes(keeper: Mapping[str, Any]) -> Iterator[Metric]:
    restarts, ready = keeper.get("restarts", {}), keeper.get("ready", {})
    up = [((name,), float(name in ready)) for name in sorted(restarts)]
    yield gauge("onestack_process_up", "Whether a process of the cloud answers.", ["process"], up)
    counter = CounterMetricFamily(
        "onestack_process_restarts", "How often it was restarted.", labels=["process"]
    )
    for name, count in sorted(restarts.items()):
        counter.add_metric([name], float(count))
    yield counter


def _certificates(site: Site) -> Iterator[Metric]:
    rows = [((each.name,), each.until.timestamp()) for each in expiry.certificates(site)]
    yield gauge(
        "onestack_certificate_expiry_timestamp_seconds", "When it expires, Unix time.", ["certificate"], rows
    )


def backups(platform: Platform, record: Record) -> Iterator[Metric]:
    """The metrics of scheduled backups; none without a schedule."""
    if platform.backup is None:
        return
    since = max(record.time, record.since)
    rows = {
        "onestack_backup_interval_seconds": (
            "The time between two scheduled backups.",
            platform.backup.every,
        ),
        "onestack_backup_last_good_timestamp_seconds": (
            "When the last complete backup was begun, Unix time; before the first one, when the schedule was.",
            since,
        ),
        "onestack_backup_failed": ("Whether the last try failed.", float(bool(record.error))),
        "onestack_backup_size_bytes": ("The size of all files in the last complete backup.", record.size),
    }
    for name, (description, value) in rows.items():
        yield gauge(name, description, [], [((), float(value))])


def read_keeper(file: Path) -> dict[str, Any]:
    """The keeper's record; empty if there is none or it is stale."""
    try:
        noted: dict[str, Any] = json.loads(file.read_text())
        return noted if time.time() - float(noted["time"]) < 3 * OLDEST else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


class Exporter:
    """Serves the observation that was last set. `set` may be called from any thread.

    `more`: called at each scrape, for metrics of other origin, as text.
    """

    def __init__(self, site: Site, more: Callable[[], bytes] = bytes) -> None:
        self._site = site
        self._more = more
        self._observed: Observation | None = None
        self._server: ThreadingHTTPServer | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens in the cloud's network."""
        port = self._site.spec.platform.monitoring.exporter_port
        return "127.0.0.1" if self._site.leads else self._site.here.address, port

    def set(self, observed: Observation) -> None:
        """Serve this observation from now on."""
        self._observed = observed

    def start(self) -> None:
        """Listen in the cloud's network, whichever network the caller is in. Raises PermanentError."""
        try:
            self._server = self._site.here.network.call(self._bound)
        except OSError as error:
            host, port = self.address
            raise PermanentError(
                f"{host}:{port} cannot be bound: {error.strerror or error}",
                hint="stop the process that listens there, or choose another platform.monitoring.exporter_port",
            ) from error
        Thread(target=self._server.serve_forever, name="exporter", daemon=True).start()

    def stop(self) -> None:
        """Stop serving. Idempotent."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def render(self) -> bytes:
        """The response to a scrape."""
        keeper = read_keeper(self._site.paths.run / "keeper.json")
        site = self._site
        saved = backups(site.spec.platform, read_backups(site.paths)) if site.leads else ()
        own = (*_certificates(site), *saved, *healing.families(healer_file(site.paths)), *machine.families())
        return text(self._observed, keeper, time.monotonic(), own) + self._more()

    def answer(self, path: str) -> tuple[int, bytes]:
        """The response to a request: status and body."""
        if path == METRICS_PATH:
            return 200, self.render()
        if path not in relays.RELAYS:
            return 404, f"the metrics are at {METRICS_PATH}\n".encode()
        try:
            return 200, relays.get(self._site, path)
        except OSError as error:
            return 503, f"{path}: {error}\n".encode()

    def _bound(self) -> ThreadingHTTPServer:
        exporter = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def setup(self) -> None:
                # In the thread of this connection: a client that keeps silent delays no other.
                if isinstance(self.request, ssl.SSLSocket):
                    self.request.settimeout(self.timeout)
                    self.request.do_handshake()
                    require_prometheus(self.request.getpeercert())
                super().setup()

            def do_GET(self) -> None:
                status, body = exporter.answer(self.path.partition("?")[0])
                self.send_response(status)
                self.send_header("Content-Type", CONTENT_TYPE_LATEST if status == 200 else "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Scrapes are not logged."""

        server = _Server(self.address, Handler)
        if not self._site.leads:
            context = host_tls.server(self._site.here)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def server_bind(self) -> None:
        # HTTPServer's own asks DNS for the address's name, and waits where no server answers.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        LOG.info("%s was refused, or has hung up", client_address)


def require_prometheus(certificate: Mapping[str, Any] | None) -> None:
    """Raises PermissionError for another client's certificate than that of the leader's Prometheus: those of hosts
    are of the same CA."""
    subject = {name: value for row in (certificate or {}).get("subject", ()) for name, value in row}
    if subject.get("commonName") != PROMETHEUS:
        raise PermissionError("only the control host's Prometheus is answered")
