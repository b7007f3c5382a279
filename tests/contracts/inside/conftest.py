"""Contracts: what a replacement gives, beside what upstream's own function gives, in the release's environment.

These files are run inside the base by `tests/contracts/test_contracts.py`, one process for each: the projects cannot
all be imported by one. A test says by `@pytest.mark.replaces(name)` which entry of the registry it is about.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from onestack_runtime.replacements import registry, source
from onestack_runtime.replacements.digests import DIGESTS

BY_NAME = {each.name: each for each in registry.ALL}


@dataclass(frozen=True)
class Both:
    """Of one entry: upstream's values and ours, in the order of its targets."""

    targets: tuple[str, ...]
    upstream: tuple[Any, ...]
    ours: tuple[Any, ...]

    @property
    def functions(self) -> tuple[Any, Any]:
        """Upstream's and ours, where there is one target."""
        (theirs,), (mine,) = self.upstream, self.ours
        return theirs, mine


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "replaces(name): the entry of the registry that a test is about")


def _entry(request: pytest.FixtureRequest) -> Any:
    marker = request.node.get_closest_marker("replaces")
    assert marker is not None, "say @pytest.mark.replaces(name)"
    return BY_NAME[marker.args[0]]


@pytest.fixture
def both(request: pytest.FixtureRequest) -> Both:
    """The entry's, not installed."""
    entry = _entry(request)
    upstream = tuple(map(source.value, entry.targets))
    return Both(entry.targets, upstream, entry.build(*upstream))


@pytest.fixture
def installed(request: pytest.FixtureRequest, both: Both) -> Iterator[Both]:
    """The entry's, installed for the time of the test."""
    classes: list[tuple[Any, Any]] = []
    with pytest.MonkeyPatch.context() as patch:
        for target, value in zip(_entry(request).targets, both.ours, strict=True):
            owner, name = source.place(target)
            if name == "__class__":
                classes.append((owner, type(owner)))
                owner.__class__ = value
            else:
                patch.setattr(owner, name, value, raising=False)
        yield both
    for owner, kind in classes:
        owner.__class__ = kind


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`fits`, in each file, is asked of each entry that the file is about."""
    if "entry_name" in metafunc.fixturenames:
        metafunc.parametrize("entry_name", metafunc.module.ENTRIES)


def misfit(name: str) -> str:
    """How upstream differs from what the entry was written against."""
    return registry.misfits(BY_NAME[name], DIGESTS)


@pytest.fixture
def misfits() -> Any:
    return misfit


@pytest.fixture(autouse=True)
def nothing_is_known_of_tables() -> Iterator[None]:
    """Each test begins with no table that is known to be empty."""
    from sqlalchemy import Engine, event

    from onestack_runtime.replacements import empty_tables

    made = empty_tables.EmptyTables()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(empty_tables, "EMPTY", made)
        yield
    if event.contains(Engine, "before_cursor_execute", made._before_statement):
        event.remove(Engine, "before_cursor_execute", made._before_statement)
