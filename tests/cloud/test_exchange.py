"""The parts of a release are exchanged beneath what runs: in a namespace of its own, with the shared cloud's base."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from onestack import Cloud
from onestack.core import contract
from onestack.core.paths import Paths
from onestack.host import exchange, namespace
from onestack.host.namespace import Layout

pytestmark = pytest.mark.cloud

MARK = "which"


@pytest.fixture
def layouts(cloud: Cloud, tmp_path: Path) -> Iterator[tuple[Layout, Layout]]:
    """Two releases, and a namespace with the first."""
    paths = Paths.at(tmp_path)
    for each in (
        paths.run / "netns",
        paths.log,
        paths.etc / "libvirt",
        paths.data / "tmp",
        paths.data / "cache",
    ):
        each.mkdir(parents=True)
    base, found = Path(cloud.site.leader.choices.base), []
    for name in ("older", "newer"):
        (tmp_path / name).mkdir()
        (tmp_path / name / MARK).write_text(name)
        found.append(Layout(base, tmp_path / name, tmp_path / name, paths))
    older, newer = found
    namespace.create(older, isolated=True)
    yield older, newer
    namespace.remove(paths)


def seen(layout: Layout, tree: str = "") -> str:
    """Which release a program that is started now has."""
    words = namespace.enter(layout.paths, ["cat", f"{contract.ENVIRONMENT}/{MARK}"], tree)
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_what_is_started_has_the_new_parts_and_what_runs_keeps_the_old(
    layouts: tuple[Layout, Layout],
) -> None:
    older, newer = layouts
    running = subprocess.Popen(namespace.enter(older.paths, ["cat"]), stdin=subprocess.PIPE)
    try:
        exchange.copy(newer)
        assert (seen(newer), seen(newer, exchange.NEXT)) == ("older", "newer")
        exchange.take(newer)
        assert seen(newer) == "newer"
        assert not namespace.outdated(newer) and namespace.outdated(older)
        assert namespace.trees(newer.paths) == []
        assert exchange.runs_from(running.pid, older) and not exchange.runs_from(running.pid, newer)
        exchange.take(older)
        assert seen(older) == "older" and not namespace.outdated(older)
    finally:
        running.communicate()


def test_a_copy_of_another_release_is_not_taken(layouts: tuple[Layout, Layout]) -> None:
    older, newer = layouts
    exchange.copy(newer)
    exchange.take(older)
    assert seen(older) == "older"
    assert namespace.trees(older.paths) == []


def test_cut_off_between_its_two_commands_it_is_completed(layouts: tuple[Layout, Layout]) -> None:
    older, newer = layouts
    exchange.copy(newer)
    subprocess.run(["umount", str(namespace.mount_handle(older.paths))], check=True)
    assert not namespace.exists(older.paths)
    exchange.take(newer)
    assert seen(newer) == "newer"
