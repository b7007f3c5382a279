"""What guests and balancers do shows up in the cloud's own Prometheus, what is gone ends there, and who asked for it
is told."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud import groups, guests, health, members, told
from cloud.members import Field, Machine, get
from cloud.web import Web
from onestack import Cloud
from onestack.core.wait import until
from onestack.observe import gauges, grafana
from onestack.observe.collect import Collector
from onestack.observe.exporter import Exporter
from onestack.observe.prometheus import Prometheus, QueryRefused
from onestack.observe.resources import read
from onestack.platform import alerts, site
from onestack.platform.infrastructure.prometheus import NAME
from onestack.spec import BadSpec

pytestmark = pytest.mark.cloud
SCRAPES = 60.0
"""Seconds in which what happens must show; scrapes are 5 s apart, and the machine may be busy."""
SPEC = """\
name: onestack
platform:
  monitoring:
    receivers: [{{webhook: "http://127.0.0.1:{port}/hook", user: cloud, password_file: {password}}}]
    remote_write: {{url: "http://127.0.0.1:{port}/write", user: cloud, password_file: {password}}}
"""
AUTOSCALER = "autoscaler"
"""The process that collects, where the cloud has it."""


@pytest.fixture(scope="module")
def heard(cloud: Cloud) -> Iterator[tuple[told.Told, int]]:
    """Who is told, in the cloud's network, and the port by which."""
    found = told.Told()
    servers = cloud.site.leader.network.call(found.start)
    yield found, servers[0].server_address[1]
    for each in servers:
        each.shutdown()
        each.server_close()


@pytest.fixture(scope="module")
def prometheus(
    cloud: Cloud, heard: tuple[told.Told, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """The cloud with a Prometheus, and somebody who collects."""
    kept = site.spec_file(cloud.paths).read_text()
    password = tmp_path_factory.mktemp("access") / "password"
    password.write_text(f"{told.PASSWORD}\n")
    if not (monitored := cloud.site.spec.monitored):
        cloud.up(_file(tmp_path_factory, SPEC.format(port=heard[1], password=password)))
    found = site.load(cloud.paths)
    if AUTOSCALER in found.leader.supervisor.programs():
        yield Prometheus(found)
    else:
        with _collecting(found):
            yield Prometheus(found)
    if not monitored:
        cloud.up(_file(tmp_path_factory, kept))
        assert NAME not in health.pids(cloud)


def _file(folder: pytest.TempPathFactory, text: str) -> Path:
    file = folder.mktemp("spec") / "cloud.yaml"
    file.write_text(text)
    return file


class _collecting:
    """Looks each 5 s and shows what it saw, as the autoscaler does."""

    def __init__(self, found: site.Site) -> None:
        groups_read = read.groups(found)

        def resources() -> bytes:
            return gauges.text(read.read(found, groups_read))

        self._exporter, self._collector = Exporter(found, resources), Collector(found)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._exporter.start()
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._exporter.stop()

    def _run(self) -> None:
        while True:
            self._exporter.set(self._collector.collect())
            if self._ended.wait(5.0):
                return


def wait_over(prometheus: Prometheus, query: str, least: float) -> None:
    """Wait until a query gives at least so much."""

    def look() -> tuple[bool, str]:
        value = prometheus.query(query)
        return value is not None and value >= least, str(value)

    until(f"{query} to be at least {least:g}", look, seconds=SCRAPES, every=1.0)


def wait_none(prometheus: Prometheus, query: str) -> None:
    """Wait until a query gives nothing."""
    until(
        f"{query} to end",
        lambda: ((v := prometheus.query(query)) is None, str(v)),
        seconds=SCRAPES,
        every=1.0,
    )


def test_a_guests_processor_shows(cloud: Cloud, prometheus: Prometheus, guest: guests.Guest) -> None:
    busy = f'onestack_guest_cpu_percent{{server="{guest.server}"}}'
    wait_over(prometheus, busy, 0.0)
    cloud.run(lambda: get(guest.address, "/burn?seconds=40", seconds=20))
    # An idle one takes 3; what a busy one gets of a busy machine may not be much.
    wait_over(prometheus, busy, 8.0)
    wait_over(prometheus, f'onestack_guest_network_bytes_per_second{{server="{guest.server}"}}', 0.0)
    assert (prometheus.query("onestack_guests_running") or 0) >= 1


@pytest.fixture(scope="module")
def field(cloud: Cloud, prometheus: Prometheus) -> Iterator[Field]:
    with members.in_network(cloud), members.field_of(cloud, "watched", "10.67.0.0/24") as made:
        yield made


@pytest.fixture(scope="module")
def two(field: Field) -> tuple[Machine, Machine]:
    pair = field.machine("watched-one"), field.machine("watched-two")
    for each in pair:
        each.serve()
    return pair


def test_requests_show_by_pool_and_member_and_end_with_the_balancer(
    prometheus: Prometheus, field: Field, two: tuple[Machine, Machine]
) -> None:
    web = Web(field, two)
    web.answers({each.name for each in two})
    ended = threading.Event()

    def ask() -> None:
        with members.in_network(field.cloud):
            while not ended.wait(0.05):
                get(web.ip)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        requests = f'onestack_pool_requests_per_second{{pool="{web.pool.id}"}}'
        wait_over(prometheus, requests, 1.0)
        for each in web.members.values():
            wait_over(prometheus, f'onestack_member_requests_per_second{{member="{each.id}"}}', 0.5)
        # A new HAProxy process counts from nothing: no look may take that for a jump.
        web.made(web.api.update_listener, web.listener.id, connection_limit=500)
        wait_over(prometheus, requests, 1.0)
        time.sleep(11)
        for panel in grafana.PANELS:
            wait_over(prometheus, panel.expression, 0.0)
    finally:
        ended.set()
        asking.join()
    now = time.time()
    seen = [value for _, value in prometheus.range(requests, now - 60, now, 5)]
    assert seen
    assert 0 <= min(seen) <= max(seen) < 40
    web.remove()
    wait_none(prometheus, requests)


OTHERS = (
    "node_load1",
    "rate(node_cpu_seconds_total[1m])",
    'node_filesystem_avail_bytes{fstype!=""}',
    "libvirt_domain_info_cpu_time_seconds_total * on (domain) group_left (instance_id) libvirt_domain_openstack_info",
    'haproxy_backend_http_responses_total{code="2xx"}',
    "haproxy_backend_response_time_average_seconds",
    "mysql_up",
    "mysql_global_status_threads_connected",
    "mysql_global_status_commands_total",
    "mysql_global_variables_max_connections",
)
"""What dashboards of node_exporter, libvirt-exporter, HAProxy and mysqld_exporter ask for."""


def test_others_dashboards_find_their_metrics(prometheus: Prometheus, guest: guests.Guest) -> None:
    for each in OTHERS:
        wait_over(prometheus, f"sum({each})", 0.0)
    owner = f'sum(libvirt_domain_openstack_info{{instance_id="{guest.server}"}})'
    wait_over(prometheus, owner, 1.0)


def test_who_asked_for_it_gets_metrics_and_alerts(
    cloud: Cloud, prometheus: Prometheus, heard: tuple[told.Told, int]
) -> None:
    """An alert is put into the Alertmanager, as Prometheus does when it has one."""
    found, _ = heard
    until("remote writes", lambda: (found.written > 0, str(found)), seconds=SCRAPES)
    asked = site.load(cloud.paths).spec.platform.monitoring

    def linked() -> tuple[bool, str]:
        url = f"http://127.0.0.1:{asked.port}/api/v1/alertmanagers"
        with urllib.request.urlopen(url, timeout=5) as answer:
            active = json.load(answer)["data"]["activeAlertmanagers"]
        return bool(active), str(active)

    def alert() -> None:
        labels = {"alertname": "OneStackTest", "severity": "warning"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{asked.alerts_port}/api/v2/alerts",
            json.dumps([{"labels": labels}]).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=5).close()

    cloud.run(lambda: until("Prometheus to know the Alertmanager", linked, seconds=SCRAPES))
    cloud.run(alert)
    until(
        "the web hook", lambda: ("OneStackTest" in found.names("firing"), str(found.alerts)), seconds=SCRAPES
    )
    assert not found.refused


def test_prometheus_has_the_clouds_alerts(cloud: Cloud, prometheus: Prometheus) -> None:
    """None concerns a cloud that is well, once it has been read."""
    wait_over(prometheus, "openstack_nova_up", 1.0)
    for each in alerts.ALERTS:
        prometheus.check(each.expression)
    until(
        "no alert to fire",
        lambda: (
            not (found := [each for each in cloud.observing.alerts() if each.state == "firing"]),
            str(found),
        ),
        seconds=SCRAPES,
        every=1.0,
    )


def test_what_is_kept_outlives_a_kill(cloud: Cloud, prometheus: Prometheus) -> None:
    def first() -> tuple[bool, str]:
        value = prometheus.query('up{job="onestack"}')
        return value == 1.0, str(value)

    until("a first figure", first, seconds=SCRAPES)
    before, pid = time.time(), health.pids(cloud)[NAME]
    cloud.site.leader.supervisor.signal(NAME, "KILL")
    health.wait_back(cloud, NAME, pid)
    assert prometheus.range("onestack_collect_timestamp_seconds", before - 10, before, 5)


def test_a_query_that_is_none_is_refused_in_prometheus_words(prometheus: Prometheus) -> None:
    with pytest.raises(QueryRefused, match="parse error: unclosed left parenthesis"):
        prometheus.check("sum(jobs_waiting")
    prometheus.check("max(jobs_waiting)")
    assert prometheus.query("max(jobs_waiting)") is None


ASKING = """\
name: asking
tenants:
  - name: asking
    networks: [{name: front, subnets: [{cidr: 10.69.0.0/24}]}]
    scaling_groups:
      - name: web
        min: 1
        max: 2
        server: {image: tiny, flavor: m1.nano, network: front}
        warm_up: 0s
        policies:
          - {type: step, metric: jobs, query: "vector(200)", steps: [{above: 100, add: 1}]}
        scale_in: {stabilize: 0s}
"""
LOOKS = 2
"""Of an autoscaler that has nothing to do: one each five seconds, with a decision each. The first would scale in."""


def test_while_prometheus_is_away_nothing_is_scaled_in(
    cloud: Cloud, prometheus: Prometheus, tmp_path: Path
) -> None:
    file = tmp_path / "asking.yaml"
    file.write_text(ASKING)
    supervisor = cloud.site.leader.supervisor
    with groups.applied(cloud, file, "asking/web"):
        groups.settles(cloud, "asking/web", 2)
        supervisor.stop(NAME)
        try:
            seen: dict[float, int] = {}

            def looked() -> tuple[bool, str]:
                (said,) = cloud.scaling_groups.status()["groups"].values()
                if any(problem.startswith("jobs: ") for problem in said["problems"]):
                    seen[cloud.scaling_groups.status()["time"]] = said["desired"]
                return len(seen) >= LOOKS, str(said)

            until("some looks without Prometheus", looked, seconds=SCRAPES, every=0.5)
            assert set(seen.values()) == {2}
            assert any("jobs: " in problem for problem in cloud.status().scaling)
        finally:
            supervisor.launch(NAME)


WRONG = """\
name: refused
tenants:
  - name: refused
    networks: [{name: front, subnets: [{cidr: 10.68.0.0/24}]}]
    routers: [{name: edge, external: public, networks: [front]}]
    scaling_groups:
      - name: web
        min: 1
        max: 2
        server: {image: tiny, flavor: m1.nano, network: front}
        policies:
          - type: step
            metric: jobs
            query: "max(jobs_waiting"
            steps: [{above: 100, add: 1}]
"""


def test_a_spec_with_such_a_query_is_refused_with_its_line(
    cloud: Cloud, prometheus: Prometheus, tmp_path: Path
) -> None:
    file = tmp_path / "refused.yaml"
    file.write_text(WRONG)
    with pytest.raises(BadSpec) as told:
        cloud.apply(spec=file)
    (wrong,) = told.value.diagnostics
    assert "unclosed left parenthesis" in wrong.summary
    assert wrong.place is not None
    assert (wrong.place.file, wrong.place.line) == (str(file), 14)
    file.write_text(WRONG.replace("jobs_waiting", "jobs_waiting)"))
    assert not cloud.plan(file).empty
