"""What the tool and the runtime both know stands in one file, which both have; what it names is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

from onestack.core import contract
from onestack.platform.services import CATALOGUE
from onestack.platform.shape import View

ROOT = Path(__file__).parents[2]
ORIGINAL, COPY = "src/onestack/core/contract.py", "runtime/src/onestack_runtime/contract.py"
RUNTIME = ROOT / "runtime/src"


def test_both_have_the_same() -> None:
    assert (ROOT / ORIGINAL).read_text() == (ROOT / COPY).read_text(), f"run: cp {ORIGINAL} {COPY}"


@pytest.mark.parametrize(
    "name",
    [
        *(contract.MIGRATE, contract.BOOTSTRAP, contract.MANAGE, contract.BALANCER_CHECK),
        *(contract.RSYNC_SHELL, contract.RSYNC_SERVER, contract.DATABASE_CHECK),
        *(f"{contract.RUNNERS}.{project}" for project in contract.API_PATHS),
    ],
)
def test_each_module_that_is_started_is_there(name: str) -> None:
    found = find_spec(name)
    assert found is not None
    # A package is started by its __main__.
    module = found if found.submodule_search_locations is None else find_spec(f"{name}.__main__")
    assert module is not None
    assert module.origin is not None
    assert 'if __name__ == "__main__":' in Path(module.origin).read_text()


@pytest.mark.parametrize("name", [contract.FILE_DRIVER, contract.LOGICAL_DRIVER])
def test_each_class_that_configuration_names_is_there(name: str) -> None:
    module, _, kind = name.rpartition(".")
    tree = ast.parse((RUNTIME / f"{module.replace('.', '/')}.py").read_text())
    assert kind in {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def test_the_dashboards_settings_and_program_are_there() -> None:
    site = RUNTIME / contract.DASHBOARD_SITE
    assert (site / "static.py").is_file()
    assert (site / "local/local_settings.py").is_file()


def test_each_project_has_the_path_and_the_files_of_its_service(view: View) -> None:
    services = CATALOGUE.values()
    assert {each.name: each.endpoint.path for each in services if each.endpoint} == dict(contract.API_PATHS)
    files = {each.name: tuple(each.files(view)) for each in services}
    assert files == dict(contract.CONFIGURATION)


def flat(value: object) -> Iterator[str]:
    """The strings in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from flat(tuple(value.values()))
    elif isinstance(value, tuple):
        for each in value:
            yield from flat(each)


def names() -> set[str]:
    """The contract's strings that no other string would be by chance."""
    said = {each for name, value in vars(contract).items() if name.isupper() for each in flat(value)}
    return {each for each in said if re.search(r"[a-z]_[a-z]|[a-z]\.[a-z]|ONESTACK|/.+/", each)}


def strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Those that are values, not docstrings."""
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.lineno, node.value


def test_nothing_of_it_is_written_again() -> None:
    shared = names()
    assert {contract.TUNING, contract.BALANCERS, contract.FILE_PROTOCOL, contract.ABOUT} <= shared
    copies = [
        f"{file.relative_to(ROOT)}:{line} {text}"
        for folder in (ROOT / "src/onestack", RUNTIME / "onestack_runtime")
        for file in sorted(folder.rglob("*.py"))
        if file.name != "contract.py"
        for line, text in strings(ast.parse(file.read_text()))
        if text in shared
    ]
    assert not copies
