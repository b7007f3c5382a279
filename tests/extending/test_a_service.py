"""A service, and an infrastructure service, are one module each: everything else follows from the declaration."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

from onestack import spec
from onestack.core.errors import BadInput
from onestack.core.events import silent
from onestack.core.paths import Paths
from onestack.health.verify.quick import quick
from onestack.platform import catalogue, folders, graph, infrastructure, layout, secrets, services, stop_order
from onestack.platform.choices import Choices
from onestack.platform.hosts.work import Here
from onestack.platform.services import identity
from onestack.platform.site import Site, on_this_host
from verify.test_quick import Identity
from verify.test_quick import cloud as connected

HERE = Path(__file__).parent
CHOICES = Choices("host", "qemu", "netdev", True, "/c/base", "/c/environment", "/c/runtime", {})


@pytest.fixture(autouse=True)
def modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The two modules of this folder lie beside those that come with OneStack."""
    with monkeypatch.context() as patch:
        for package in (services, infrastructure):
            folder = HERE / package.__name__.rpartition(".")[2]
            patch.setattr(package, "__path__", [*package.__path__, str(folder)])
            package.discover()
        yield
    for package, name in ((services, "clock"), (infrastructure, "memcached")):
        _forget(package, name)
        package.discover()


def _forget(package: ModuleType, name: str) -> None:
    sys.modules.pop(f"{package.__name__}.{name}")
    delattr(package, name)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    paths = Paths(tmp_path / "root", tmp_path / "cache")
    paths.etc.mkdir(parents=True)
    return on_this_host(paths, spec.loads("platform: {services: [clockd, compute]}"), CHOICES)


def test_it_is_chosen_by_type_project_or_path_and_brings_what_it_requires() -> None:
    for name in ("time-of-day", "clockd", "clock"):
        assert spec.loads(f"platform: {{services: [{name}]}}").platform.services == (
            "identity",
            "time-of-day",
        )
    assert "time-of-day" in spec.default().platform.services
    with pytest.raises(BadInput) as refused:
        spec.loads("platform:\n  services: [time-of-dya]\n", "cloud.yaml")
    assert "cloud.yaml:2" in str(refused.value.detail)
    assert "did you mean 'time-of-day'?" in str(refused.value.detail)


def test_the_schema_and_the_reference_have_it() -> None:
    items = spec.schema()["$defs"]["Platform"]["properties"]["services"]["items"]
    assert {"time-of-day", "clockd", "clock"} <= set(items["enum"])
    assert "time-of-day" in spec.reference()


def test_up_brings_it_up_after_what_it_needs(site: Site) -> None:
    tasks = {task.name: task.needs for task in graph.tasks(site, [Here(site)], Path("tiny"), silent)}
    assert {"memcached@host", "databases@host", "api-gateway@host"} <= set(tasks["clockd@host"])
    assert tasks["memcached@host"] == ("memcached files@host",)
    view = site.view
    rows = stop_order.rows(layout.processes(view), layout.steps(view))
    place = {name: index for index, row in enumerate(rows) for name in row}
    assert place["clockd"] < place["memcached"]


def test_its_database_folder_secrets_gateway_and_catalogue_follow(site: Site) -> None:
    view = site.view
    assert "clockd" in [each.name for each in catalogue.databases(view.cloud.services)]
    assert {"user/clockd", "database/clockd", "spring"} <= set(view.cloud.secrets)
    assert "/var/lib/clockd" in [each.path for each in folders.of(view)]
    files = layout.files(view)
    assert "use_backend clockd if { path /clock }" in files["api-gateway/haproxy.cfg"]
    assert view.cloud.secrets["database/clockd"] in files["clockd/clockd.conf"]
    wanted = identity.wanted(view, catalogue.services(view.cloud.services))
    assert {"type": "time-of-day", "name": "clockd", "url": f"{site.gateway}/clock"} in wanted["services"]
    assert set(wanted["users"]) >= {"clockd"}
    assert set(secrets.ensure(site.secrets_file, [])) >= {"spring"}


@pytest.mark.parametrize(("answers", "ok"), [(("noon", "noon"), True), (("noon", "night"), False)])
def test_verify_tries_it_as_two_tenants(answers: tuple[str, str], ok: bool) -> None:
    api, tenants = Identity(), iter(answers)

    def connect(**who: Any) -> Any:
        found = connected(api, ("identity", "time-of-day"))
        if who:
            time = next(tenants)
            found = SimpleNamespace(**vars(found), get=lambda path: time)
        return found

    report = quick(cast(Any, connect), silent)
    (step,) = [each for each in report.steps if each.name == "time-of-day"]
    assert (step.ok, report.ok) == (ok, ok)
    assert ok or step.error == {
        "error": "two tenants see different times",
        "hint": "see: onestack logs clockd",
    }
