"""Compares each replacement with the upstream function that it replaces, in the release's environment.

`tests/contracts/test_contracts.py` runs these files inside the base, each in a process of its own, since not all
projects can be imported into one process. `@pytest.mark.replaces(name)` names the registry entry that a test covers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from onestack_runtime import series
from onestack_runtime.replacements import registry, source
from onestack_runtime.replacements.digests import DIGESTS

BY_NAME = {each.name: each for each in registry.ALL}


@dataclass(frozen=True)
class Both:
    """Upstream's values and ours for the targets of one registry entry, in the order of the targets."""

    targets: tuple[str, ...]
    upstream: tuple[Any, ...]
    ours: tuple[Any, ...]

    @property
    def functions(self) -> tuple[Any, Any]:
        """Upstream's function and ours, for an entry with one target."""
        (upstream,), (ours,) = self.upstream, self.ours
        return upstream, ours


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "replaces(name): the registry entry that a test covers")


def _entry(request: pytest.FixtureRequest) -> Any:
    marker = request.node.get_closest_marker("replaces")
    assert marker is not None, "the test lacks @pytest.mark.replaces(name)"
    return BY_NAME[marker.args[0]]


@pytest.fixture
def both(request: pytest.FixtureRequest) -> Both:
    """Both versions of the functions that the test's entry replaces. The replacement is not installed."""
    entry = _entry(request)
    upstream = tuple(map(source.value, entry.targets))
    return Both(entry.targets, upstream, entry.build(*upstream))


@pytest.fixture
def installed(request: pytest.FixtureRequest, both: Both) -> Iterator[Both]:
    """As `both`, with the replacement installed during the test."""
    original_classes: list[tuple[Any, Any]] = []
    with pytest.MonkeyPatch.context() as patch:
        for target, value in zip(_entry(request).targets, both.ours, strict=True):
            owner, name = source.place(target)
            if name == "__class__":
                original_classes.append((owner, type(owner)))
                owner.__class__ = value
            else:
                patch.setattr(owner, name, value, raising=False)
        yield both
    for owner, original in original_classes:
        owner.__class__ = original


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs tests with an `entry_name` once for each entry that the file covers (its ENTRIES)."""
    if "entry_name" in metafunc.fixturenames:
        metafunc.parametrize("entry_name", metafunc.module.ENTRIES)


def _source_changes(name: str) -> str:
    """How upstream's source differs from the source that the entry was written for; empty: not at all."""
    return registry.misfits(BY_NAME[name], {**DIGESTS, **series.here().digests})


@pytest.fixture
def source_changes() -> Any:
    return _source_changes


@pytest.fixture(autouse=True)
def no_known_empty_tables() -> Iterator[None]:
    """Each test starts with no table known to be empty."""
    from sqlalchemy import Engine, event

    from onestack_runtime.replacements import empty_tables

    empty = empty_tables.EmptyTables()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(empty_tables, "EMPTY", empty)
        yield
    if event.contains(Engine, "before_cursor_execute", empty._before_statement):
        event.remove(Engine, "before_cursor_execute", empty._before_statement)
