"""Replacements are installed if upstream's code is what they were written against; otherwise the reason is logged."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onestack_runtime import contract
from onestack_runtime.replacements import registry, source
from onestack_runtime.replacements.digests import DIGESTS
from onestack_runtime.replacements.entry import Replacement
from onestack_runtime.replacements.reference import page

UPSTREAM = '''
LIMIT = 1

class Ports:
    def show(self, port: str) -> str:
        """A port."""
        return f"port {port}"  # not copied

    @classmethod
    def count(cls):
        return 2

def total(ports):
    return sum(port.count() for port in ports)
'''
ROOT = Path(__file__).parents[2]


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """A function that writes a module of upstream with the given text, and imports it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    names: list[str] = []

    def write(text: str) -> Any:
        name = f"upstream_{len(names)}"
        names.append(name)
        (tmp_path / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield write
    for name in names:
        sys.modules.pop(name, None)


def build_show(original: Any) -> tuple[Any, ...]:
    return (lambda self, port: original(self, port).upper(),)


ENTRY = Replacement(
    "shown", ("upstream_0:Ports.show",), ("nova",), "performance", "upper case", build_show, "none"
)


def digests(*entries: Replacement) -> dict[str, str]:
    return {
        name: source.digest(source.value(name)) for each in entries for name in (*each.targets, *each.uses)
    }


def report(folder: Path) -> dict[str, Any]:
    """What the process recorded of its replacements."""
    found: dict[str, Any] = json.loads((folder / "nova.json").read_text())
    return found


def test_a_matching_entry_is_installed_and_reported(upstream: Callable[[str], Any], tmp_path: Path) -> None:
    module = upstream(UPSTREAM)
    other = replace(ENTRY, name="of another", runners=("cinder",))
    known = digests(ENTRY)
    assert registry.install("nova", [ENTRY, other], known, tmp_path) == {"shown"}
    assert module.Ports().show("a") == "PORT A"
    assert report(tmp_path) == {
        "runner": "nova",
        "tuning": "full",
        "active": [{"name": "shown", "kind": "performance", "targets": ["upstream_0:Ports.show"]}],
        "skipped": [],
    }


def test_class_methods_constants_and_missing_attributes_can_be_replaced(
    upstream: Callable[[str], Any], tmp_path: Path
) -> None:
    module = upstream(UPSTREAM)

    def build(count: Any, limit: Any, absent: Any) -> tuple[Any, ...]:
        assert absent is None
        return classmethod(lambda cls: count.__func__(cls) + limit), limit + 1, "new"

    targets = ("upstream_0:Ports.count", "upstream_0:LIMIT", "upstream_0:Ports.more")
    entry = replace(ENTRY, targets=targets, build=build)
    assert registry.install("nova", [entry], digests(entry), tmp_path)
    assert (module.Ports.count(), module.LIMIT, module.Ports.more) == (3, 2, "new")
    assert module.total([module.Ports]) == 3


def test_two_entries_can_replace_the_same_function(upstream: Callable[[str], Any], tmp_path: Path) -> None:
    module = upstream(UPSTREAM)
    second = replace(
        ENTRY, name="again", build=lambda original: (lambda self, port: original(self, port) + "!",)
    )
    assert registry.install("nova", [ENTRY, second], digests(ENTRY), tmp_path) == {"shown", "again"}
    assert module.Ports().show("a") == "PORT A!"


def test_an_entry_is_not_imported_in_a_process_without_its_workers(tmp_path: Path) -> None:
    of_api = replace(ENTRY, name="of the API", targets=("not_there:call",), workers=("api", "conductor"))
    assert registry.install("nova", [of_api], {}, tmp_path, workers={"compute"}) == set()
    assert report(tmp_path)["active"] == report(tmp_path)["skipped"] == []
    for workers in ({"api", "compute"}, set[str]()):
        assert registry.of("nova", [of_api], workers) == (of_api,)


def test_an_entry_for_single_process_projects_is_skipped_with_several_processes(
    upstream: Callable[[str], Any], tmp_path: Path
) -> None:
    module = upstream(UPSTREAM)
    entry = replace(ENTRY, alone=True)
    assert registry.install("nova", [entry], digests(entry), tmp_path, alone=False) == set()
    assert module.Ports().show("a") == "port a"
    assert report(tmp_path)["skipped"] == [
        {"name": "shown", "because": "layout", "detail": "it holds for a project of one process"}
    ]
    assert registry.install("nova", [entry], digests(entry), tmp_path) == {"shown"}


def test_a_compute_host_needs_no_database_client() -> None:
    for runner, worker in (("nova", "compute"), ("neutron", "agent")):
        names = {each.name for each in registry.of(runner, workers={worker})}
        assert "database-connections" not in names
    assert "libvirt-lock" in {each.name for each in registry.of("nova", workers={"compute"})}


def test_the_workers_of_entries_are_those_of_their_runners() -> None:
    known = {"nova": {"api", "conductor", "scheduler", "compute"}, "neutron": {"api", "agent"}}
    for each in registry.ALL:
        of_all = set().union(*(known.get(runner, set()) for runner in each.runners))
        assert set(each.workers) <= of_all, each.name


def test_without_tuning_only_required_entries_are_installed(
    upstream: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = upstream(UPSTREAM)
    monkeypatch.setenv(contract.TUNING, "none")
    needed = replace(
        ENTRY, name="needed", kind="required", targets=("upstream_0:LIMIT",), build=lambda limit: (9,)
    )
    assert registry.install("nova", [ENTRY, needed], digests(ENTRY, needed), tmp_path) == {"needed"}
    assert (module.Ports().show("a"), module.LIMIT) == ("port a", 9)
    (skipped,) = report(tmp_path)["skipped"]
    assert (skipped["name"], skipped["because"]) == ("shown", "tuning")


def test_one_performance_entry_can_be_disabled(
    upstream: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream(UPSTREAM)
    monkeypatch.setenv(contract.TUNING, "full -shown")
    other = replace(ENTRY, name="shown-too")
    assert registry.install("nova", [ENTRY, other], digests(ENTRY), tmp_path) == {"shown-too"}
    assert [each["name"] for each in report(tmp_path)["skipped"]] == ["shown"]


CHANGED = UPSTREAM.replace('f"port {port}"', 'f"the port {port}"')


def test_a_performance_entry_is_skipped_if_its_target_changed(
    upstream: Callable[[str], Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    module = upstream(CHANGED)
    known = {"upstream_0:Ports.show": source.digest(upstream(UPSTREAM).Ports.show)}
    assert registry.install("nova", [ENTRY], known, tmp_path) == set()
    assert module.Ports().show("a") == "the port a"
    (skipped,) = report(tmp_path)["skipped"]
    assert skipped["because"] == "digest"
    assert "upstream_0:Ports.show has digest" in skipped["detail"]
    assert "nova runs without the replacement shown" in caplog.text


def test_a_process_does_not_start_if_the_target_of_a_required_entry_changed(
    upstream: Callable[[str], Any], tmp_path: Path
) -> None:
    module = upstream(CHANGED)
    known = {"upstream_0:Ports.show": source.digest(upstream(UPSTREAM).Ports.show)}
    with pytest.raises(
        SystemExit, match=r"nova does not start: it needs the replacement shown, .*has digest"
    ):
        registry.install("nova", [replace(ENTRY, kind="required")], known, tmp_path)
    assert module.Ports().show("a") == "the port a"
    assert report(tmp_path)["active"] == []


@pytest.mark.parametrize(
    "missing", ["upstream_0:Ports.gone.away", "upstream_0:Gone.show", "no_such_module:f"]
)
def test_an_entry_is_skipped_if_code_that_it_uses_does_not_exist(
    upstream: Callable[[str], Any], tmp_path: Path, missing: str
) -> None:
    upstream(UPSTREAM)
    known = digests(ENTRY)
    assert registry.install("nova", [replace(ENTRY, uses=(missing,))], known, tmp_path) == set()
    assert f"{missing} does not exist" in report(tmp_path)["skipped"][0]["detail"]


def test_an_entry_is_skipped_if_code_that_it_uses_changed(
    upstream: Callable[[str], Any], tmp_path: Path
) -> None:
    upstream(UPSTREAM.replace("sum(", "max("))
    entry = replace(ENTRY, uses=("upstream_0:total",))
    known = {**digests(entry), "upstream_0:total": source.digest(upstream(UPSTREAM).total)}
    assert registry.install("nova", [entry], known, tmp_path) == set()


def test_an_entry_whose_build_fails_changes_nothing(upstream: Callable[[str], Any], tmp_path: Path) -> None:
    module = upstream(UPSTREAM)
    entry = replace(ENTRY, build=lambda original: (original.no_such_thing,))
    assert registry.install("nova", [entry], digests(entry), tmp_path) == set()
    assert module.Ports().show("a") == "port a"
    assert "cannot be made (AttributeError" in report(tmp_path)["skipped"][0]["detail"]


def test_a_digest_ignores_comments_annotations_and_formatting(upstream: Callable[[str], Any]) -> None:
    plain = "class Ports:\n  def show(self, port):\n\n    return f'port {port}'\n"
    first, second, third = upstream(UPSTREAM), upstream(plain), upstream(CHANGED)
    assert source.digest(first.Ports.show) == source.digest(second.Ports.show)
    assert source.digest(first.Ports.show) != source.digest(third.Ports.show)
    annotated = "def f(a: int = 1, *, b: str) -> int:\n    'Why.'\n    c: int = a\n    return c\n"
    assert source.normalised(annotated) == source.normalised("def f(a=1, *, b):\n    c = a\n    return c\n")


def test_the_entries_and_digests_are_complete() -> None:
    names = [each.name for each in registry.ALL]
    assert len(set(names)) == len(names)
    used = {name for each in registry.ALL for name in (*each.targets, *each.uses)}
    assert used == set(DIGESTS), "generate digests.py again: python3 -m onestack_runtime.replacements"
    assert [each.name for each in registry.ALL if (each.kind == "performance") != bool(each.gain)] == []
    assert all(each.targets and each.runners and each.reason for each in registry.ALL)


def test_the_reference_page_is_up_to_date() -> None:
    file = ROOT / "docs/reference/replacements.md"
    command = "PYTHONPATH=runtime/src python -m onestack_runtime.replacements.reference"
    assert file.read_text() == page(), f"generate it again: {command} > {file.relative_to(ROOT)}"


def test_the_number_in_the_readme_is_correct() -> None:
    replaced = {name for each in registry.ALL for name in each.targets}
    assert f"{len(replaced)} functions of theirs are [replaced" in (ROOT / "README.md").read_text()
