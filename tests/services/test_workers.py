"""A runner starts the workers that it is told to, and those of the tool's declarations are the runner's own."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from onestack.core import contract
from onestack.platform import layout
from onestack.platform.view import View
from onestack_runtime.drivers.fake_hosts import hosts
from onestack_runtime.runners import __path__ as runners
from onestack_runtime.serving import workers
from services.views import with_here


def test_all_are_started_unless_some_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(contract.WORKERS, raising=False)
    assert workers.chosen(("api", "compute")) == {"api", "compute"}
    monkeypatch.setenv(contract.WORKERS, "compute")
    assert workers.chosen(("api", "compute")) == {"compute"}
    monkeypatch.setenv(contract.WORKERS, "compute,agent")
    with pytest.raises(ValueError, match="names agent; there are api, compute"):
        workers.chosen(("api", "compute"))


def test_a_process_is_all_of_its_project_where_it_has_all_workers_and_no_other_host_has_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(contract.WORKERS, raising=False)
    monkeypatch.delenv(contract.LAYOUT, raising=False)
    every = ("api", "compute")
    assert workers.is_all(every)
    monkeypatch.setenv(contract.LAYOUT, contract.CLUSTER)
    assert not workers.is_all(every)
    monkeypatch.delenv(contract.LAYOUT)
    monkeypatch.setenv(contract.WORKERS, "api")
    assert not workers.is_all(every)


def test_processes_know_whether_there_are_other_hosts(view: View) -> None:
    assert all(contract.LAYOUT not in each.environment for each in layout.processes(view))
    other = replace(view.here, name="n1", roles=frozenset({"compute"}))
    several = replace(view, peers=(other,))
    runners = [each for each in layout.processes(several) if contract.TUNING in each.environment]
    assert runners
    assert all(each.environment[contract.LAYOUT] == contract.CLUSTER for each in runners)


def of_runner(project: str) -> set[str]:
    """What a runner calls its workers, from its source: it imports OpenStack, which is not here."""
    tree = ast.parse((Path(runners[0]) / f"{project}.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(each, ast.Name) and each.id == "WORKERS" for each in node.targets
        ):
            return set(ast.literal_eval(node.value))
    raise AssertionError(f"{project} names no workers")


@pytest.mark.parametrize("project", ["nova", "neutron"])
def test_the_declared_workers_are_the_runners(view: View, project: str) -> None:
    declared: set[str] = set()
    for role in ("control", "compute"):
        one = with_here(view, roles=frozenset({role}))
        process = next(each for each in layout.processes(one) if each.name == project)
        declared |= set(process.environment[contract.WORKERS].split(","))
    assert declared == of_runner(project)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (None, ["fake-1"]),
        ("2", ["fake-1", "fake-2"]),
        ("0", []),
        ("4-6", ["fake-4", "fake-5", "fake-6"]),
        ("7-6", []),
    ],
)
def test_each_process_has_fake_hosts_of_its_own(
    monkeypatch: pytest.MonkeyPatch, value: str | None, names: list[str]
) -> None:
    monkeypatch.delenv(contract.FAKE_HOSTS, raising=False)
    if value is not None:
        monkeypatch.setenv(contract.FAKE_HOSTS, value)
    assert hosts.names() == names
