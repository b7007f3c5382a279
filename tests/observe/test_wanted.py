"""When a cloud has a Prometheus, how it is started, and which specs of it are wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from onestack import spec
from onestack.core.errors import TemporaryError
from onestack.core.paths import Paths
from onestack.observe.prometheus import Prometheus
from onestack.platform import catalogue, folders
from onestack.platform.choices import Choices
from onestack.platform.infrastructure import gateway, prometheus
from onestack.platform.site import Site, on_this_host
from onestack.platform.stamps import stamped
from onestack.spec import BadSpec, model

ON = "platform: {monitoring: {enabled: true}}\n"
GROUPS = """\
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    scaling_groups:
      - {name: web, min: 1, max: 2, server: {image: tiny, flavor: m1.nano, network: front}}
"""


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], Site]:
    def call(text: str) -> Site:
        file = tmp_path / "cloud.yaml"
        file.write_text(text)
        paths = Paths(tmp_path / "root", tmp_path / "cache")
        paths.etc.mkdir(parents=True, exist_ok=True)
        return on_this_host(
            paths, spec.load(file), Choices("h", "qemu", "netdev", False, "/b", "/e", "/r", {})
        )

    return call


def names(site: Site) -> set[str]:
    return {each.name for each in catalogue.processes(site.view)}


def test_it_runs_where_there_are_groups_or_where_the_spec_says_so(make: Callable[[str], Site]) -> None:
    assert prometheus.NAME not in names(make("version: 1\n"))
    assert prometheus.NAME in names(make(ON))
    assert prometheus.NAME in names(make(GROUPS))
    assert prometheus.NAME not in names(make(GROUPS + "platform: {monitoring: {enabled: false}}\n"))


def test_it_runs_as_a_user_of_its_own_and_listens_on_loopback(make: Callable[[str], Site]) -> None:
    found = make("platform: {monitoring: {enabled: true, port: 9999, retention: 2d, size: 100}}\n")
    (process,) = prometheus.processes(found.view)
    words = " ".join(process.command)
    assert words.startswith("setpriv --reuid=prometheus --regid=prometheus --clear-groups --no-new-privs")
    assert "--web.listen-address=127.0.0.1:9999" in words
    assert "--storage.tsdb.retention.time=172800s --storage.tsdb.retention.size=100MB" in words
    assert next(each for each in folders.of(found.view) if each.path == prometheus.DATA).mode == 0o700


def test_what_it_scrapes(make: Callable[[str], Site]) -> None:
    text = "platform: {monitoring: {enabled: true, exporter_port: 9465, targets: ['a.example:9100', '1.2.3.4:9']}}\n"
    found = json.loads(prometheus.files(make(text).view)[prometheus.CONFIG])
    jobs = {each["job_name"]: each["static_configs"][0]["targets"] for each in found["scrape_configs"]}
    assert jobs == {
        "onestack": ["127.0.0.1:9465"],
        "haproxy": ["127.0.0.1:9465"],
        "targets": ["a.example:9100", "1.2.3.4:9"],
    }
    assert found["global"]["scrape_interval"] == "5s"


def test_it_starts_anew_when_its_settings_change(make: Callable[[str], Site]) -> None:
    def started(more: str) -> object:
        found = make(f"platform: {{monitoring: {{enabled: true, {more}}}}}\n")
        return next(
            found.leader.program(each)
            for each in stamped(found, found.leader)
            if each.name == prometheus.NAME
        )

    programs = [started(more) for more in ("size: 512", "size: 512", "size: 600", "targets: ['a:1']")]
    assert programs[0] == programs[1]
    assert len({repr(each) for each in programs}) == 3


def test_without_one_nothing_is_asked(make: Callable[[str], Site]) -> None:
    with pytest.raises(TemporaryError, match="no Prometheus"):
        Prometheus(make("version: 1\n")).query("up")


def test_one_that_is_away_is_said(make: Callable[[str], Site]) -> None:
    found = make("platform: {monitoring: {enabled: true, port: 1}}\n")
    with pytest.raises(TemporaryError, match="Prometheus does not answer") as raised:
        Prometheus(found).query("up")
    assert raised.value.delay > 0


def test_the_port_of_metadata_is_the_fronts() -> None:
    assert gateway.METADATA_PORT == model._METADATA


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("port: 9464", "port 9464 is taken by platform.monitoring.port"),
        ("port: 8080", "port 8080 is taken by platform.listen.port"),
        ("exporter_port: 8775", "port 8775 is taken by guests' metadata"),
        ("retention: 60s", "60 s is not a valid retention"),
        ("size: 1", "'size' is too small: 1"),
        ("targets: ['http://a:1/metrics']", "'http://a:1/metrics' is not valid here"),
        ("targets: ['a:1', 'a:1']", "'a:1' is listed twice"),
        ("alerts_port: 9490", "port 9490 is taken by platform.monitoring.port"),
        ("receivers: [{severity: critical}]", "a receiver is either a 'webhook' or an 'email'"),
        ("receivers: [{webhook: 'a.example/hook'}]", "'a.example/hook' is not valid here"),
        ("receivers: [{webhook: 'http://u:p@a.example/'}]", "'http://u:p@a.example/' is not valid here"),
        ("receivers: [{webhook: 'http://a/', relay: 'a:25'}]", "'relay' is not for a web hook"),
        ("receivers: [{email: a@b.example, sender: a@b.example}]", "a receiver by mail needs 'relay'"),
        ("remote_write: {url: 'http://a/', user: u}", "'user' without 'password_file'"),
    ],
)
def test_wrong_ones(text: str, said: str) -> None:
    with pytest.raises(BadSpec) as raised:
        spec.loads(f"platform:\n  monitoring: {{enabled: true, {text}}}\n", "cloud.yaml")
    (found,) = raised.value.diagnostics
    assert said in found.summary
    assert found.place is not None
    assert found.place.line == 2
