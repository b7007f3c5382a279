"""A runner starts the workers that it is told to, and those of the tool's declarations are the runner's own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from onestack.core import contract
from onestack.platform import layout
from onestack.platform.view import View
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
