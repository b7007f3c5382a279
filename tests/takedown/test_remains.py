"""Taking away: what counts as left, and whose folders are whose."""

from __future__ import annotations

from pathlib import Path

import pytest

from onestack import Cloud
from onestack.core.errors import Busy
from onestack.core.events import Event, silent
from onestack.core.paths import Paths
from onestack.host.lock import held
from onestack.platform import takedown


def test_of_nothing_nothing_remains(tmp_path: Path) -> None:
    assert takedown.remains(Paths(tmp_path)) == []


@pytest.mark.parametrize("folder", ["etc", "lib", "log", "run"])
def test_a_folder_that_is_there_remains(tmp_path: Path, folder: str) -> None:
    paths = Paths(tmp_path)
    place: Path = getattr(paths, folder)
    place.mkdir(parents=True)
    assert takedown.remains(paths) == [f"folder {place}"]


def test_destroy_removes_the_folders_and_an_empty_root(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "root")
    for place in (paths.etc, paths.lib, paths.log):
        (place / "deep").mkdir(parents=True)
        (place / "deep/file").touch()
    said: list[Event] = []
    removed = takedown.destroy(paths, said.append)
    assert sorted(removed) == sorted(str(each) for each in (paths.etc, paths.lib, paths.log))
    assert not paths.root.exists()
    assert [each.step for each in said if each.state == "failed"] == []


def test_what_is_not_ours_stays_with_the_folders_it_lies_in(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "root")
    for place in (paths.etc, paths.lib, paths.log):
        place.mkdir(parents=True)
    other = paths.root / "etc/passwd"
    other.write_text("kept")
    takedown.destroy(paths, silent)
    assert [str(each.relative_to(paths.root)) for each in sorted(paths.root.rglob("*"))] == [
        "etc",
        "etc/passwd",
    ]


def test_the_cache_stays_unless_it_is_to_go(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "root", tmp_path / "cache")
    (paths.cache / "2026.2").mkdir(parents=True)
    paths.lib.mkdir(parents=True)
    takedown.destroy(paths, silent)
    assert paths.cache.exists()
    assert str(paths.cache) in takedown.destroy(paths, silent, purge=True)
    assert not paths.cache.exists()


def test_down_of_nothing_is_no_error(tmp_path: Path) -> None:
    said: list[Event] = []
    takedown.down(Paths(tmp_path), said.append)
    assert not [each for each in said if each.state == "failed"]
    assert not list(tmp_path.iterdir())


def test_while_another_command_works_nothing_is_taken_away(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path)
    cloud.paths.lib.mkdir(parents=True)
    lock = cloud.paths.run.parent / "onestack.lock"
    with held(lock, "onestack up"), pytest.raises(Busy, match="onestack up"):
        cloud.destroy()
    assert cloud.paths.lib.exists()


def test_the_lock_goes_last_and_the_root_with_it(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path / "root")
    cloud.paths.lib.mkdir(parents=True)
    cloud.destroy()
    assert not cloud.paths.root.exists()


def test_interfaces_of_ours_have_names_the_kernel_takes() -> None:
    names = takedown.interfaces()
    assert "lo" not in names
    assert max(map(len, names)) <= 15
