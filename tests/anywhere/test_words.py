"""The option --cloud: for anyone, with the account of clouds.yaml, and never for a platform."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from onestack import clouds
from onestack.cli.all import main  # noqa: F401  (the import adds all commands)
from onestack.cli.main import cli
from onestack.core.errors import BadInput
from onestack.workloads import other_cloud
from onestack.workloads.export import Export
from onestack.workloads.plan import Plan


class Elsewhere:
    """Has been asked."""

    asked: list[tuple[Any, ...]] = []  # noqa: RUF012

    def __init__(self, name: str) -> None:
        self.name = name

    def plan(self, spec: Path, **words: Any) -> Plan:
        self.asked.append((self.name, "plan", spec.name, words))
        return Plan([], notes=["left alone: user anna"])

    def export(self, **words: Any) -> Export:
        self.asked.append((self.name, "export", words))
        return Export("name: other\n", ["server a/b is left out: why"])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    Elsewhere.asked = []
    monkeypatch.setattr(other_cloud, "OtherCloud", Elsewhere)
    monkeypatch.setattr(clouds, "OtherCloud", Elsewhere)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    return Elsewhere.asked


def run(*words: str) -> Any:
    return CliRunner().invoke(cli, words, catch_exceptions=True)


def test_a_plan_needs_no_root_and_says_its_notes(asked: list[tuple[Any, ...]], tmp_path: Path) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text("name: acme\n")
    done = run("plan", str(file), "--cloud", "other", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["notes"] == ["left alone: user anna"]
    assert asked[0][:3] == ("other", "plan", "acme")
    assert isinstance(run("plan", str(file)).exception, BadInput)


def test_an_export_is_nothing_but_the_spec_on_standard_output(asked: list[tuple[Any, ...]]) -> None:
    done = run("export", "--cloud", "other", "--tenant", "shop")
    assert done.exit_code == 0, done.output
    assert done.stdout == "name: other\n"
    assert "server a/b is left out: why" in done.stderr
    assert asked == [("other", "export", {"tenant": "shop", "addresses": False})]
    assert run("export", "--cloud", "other", "--tenant", "shop", "--all").exit_code == 2


def test_a_platform_of_others_is_never_destroyed(asked: list[tuple[Any, ...]]) -> None:
    done = run("destroy", "--cloud", "other")
    assert done.exit_code == 2
    assert "--cloud needs SPEC" in done.output
    assert asked == []


def test_a_written_plan_is_for_its_cloud(asked: list[tuple[Any, ...]], tmp_path: Path) -> None:
    spec, plan = tmp_path / "acme.yaml", tmp_path / "plan.json"
    spec.write_text("name: acme\n")
    assert run("plan", str(spec), "--cloud", "other", "--out", str(plan)).exit_code == 0
    assert json.loads(plan.read_text())["made_from"]["cloud"] == "other"
    refused = run("apply", str(plan), "--cloud", "another")
    assert isinstance(refused.exception, BadInput)
    assert "the plan was made for the cloud 'other', not for 'another'" in str(refused.exception)


SEVERAL = """\
name: acme
clouds: {here: {cloud: first}, burst: {cloud: second}}
tenants: [{name: shop}, {name: shop-burst, cloud: burst}]
"""


def test_a_file_over_several_clouds_asks_each_of_them(asked: list[tuple[Any, ...]], tmp_path: Path) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text(SEVERAL)
    done = run("plan", str(file), "--json")
    assert done.exit_code == 0, done.output
    assert [each[0] for each in asked] == ["first", "second"]
    assert list(json.loads(done.stdout)["clouds"]) == ["here", "burst"]
    refused = run("plan", str(file), "--cloud", "first")
    assert isinstance(refused.exception, BadInput)
    assert "the file says which clouds its tenants are in" in str(refused.exception)


def test_a_file_with_a_cloud_of_this_machines_needs_root(
    asked: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text(SEVERAL.replace("{cloud: first}", "{local: true}"))
    refused = run("plan", str(file))
    assert isinstance(refused.exception, BadInput) and "it needs root" in str(refused.exception)
