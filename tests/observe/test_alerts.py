"""The alerts as Prometheus is told them, as the command shows and the docs list them; the dashboard in the repo."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hosts.conftest import views
from onestack.cli.all import main  # noqa: F401 - adds the commands
from onestack.cli.main import cli
from onestack.cloud import Cloud
from onestack.core.errors import TemporaryError
from onestack.observe import grafana
from onestack.observe.operations import Observing
from onestack.observe.prometheus import Firing
from onestack.platform import alerts
from onestack.platform.infrastructure import prometheus
from onestack.platform.view import Monitoring
from services.views import with_cloud

ROOT = Path(__file__).parents[2]
DOWN = Firing(
    "OneStackProcessDown", "critical", "firing", "nova does not answer", "onestack status", "2026-11-28"
)
LATER = Firing("OneStackServerInError", "warning", "pending", "web is in ERROR", "onestack why", "2026-11-28")


def test_prometheus_is_given_the_rules() -> None:
    monitored = with_cloud(views()["c1"], monitoring=Monitoring(9490, 9464, 60, 512, ()))
    files = prometheus.files(monitored)
    assert json.loads(files[prometheus.CONFIG])["rule_files"] == [prometheus.RULES]
    (group,) = json.loads(files[prometheus.RULES])["groups"]
    assert {each["alert"]: each["for"] for each in group["rules"]}["OneStackNovaAgentDown"] == "120s"
    assert len(group["rules"]) == len(alerts.ALERTS) == len({each.name for each in alerts.ALERTS})


def test_the_docs_list_them() -> None:
    assert alerts.reference() in (ROOT / "docs/operate.md").read_text()
    assert "### Alerts" in (ROOT / alerts.RUNBOOK.partition("#")[0]).read_text()


def test_the_dashboard_in_the_repo_is_the_one_of_the_panels() -> None:
    assert json.loads((ROOT / "docs/grafana/onestack.json").read_text()) == grafana.dashboard()


@pytest.mark.parametrize(
    ("found", "words", "status", "names"),
    [
        ([], [], 0, []),
        ([LATER], [], 0, []),
        ([DOWN, LATER], [], 1, ["OneStackProcessDown"]),
        ([LATER], ["--pending"], 1, ["OneStackServerInError"]),
    ],
)
def test_the_command_shows_those_that_fire(
    monkeypatch: pytest.MonkeyPatch, found: list[Firing], words: list[str], status: int, names: list[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(Observing, "alerts", lambda self: found)
    monkeypatch.setattr(Cloud, "site", None)
    shown = CliRunner().invoke(cli, ["alerts", "--json", *words])
    assert shown.exit_code == status
    assert [each["name"] for each in json.loads(shown.output)] == names
    plain = CliRunner().invoke(cli, ["alerts", *words])
    assert (plain.exit_code, "no alerts" in plain.output) == (status, not names)


def test_a_cloud_without_prometheus_is_no_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(self: Observing) -> list[Firing]:
        raise TemporaryError("this cloud has no Prometheus", delay=60)

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(Cloud, "site", None)
    monkeypatch.setattr(Observing, "alerts", missing)
    done = CliRunner().invoke(cli, ["alerts"])
    assert isinstance(done.exception, TemporaryError)
    assert done.exception.exit_status == 2
