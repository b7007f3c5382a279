"""The folders of a cloud: made with their owners, but not taken from a process that still runs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hosts.conftest import replicated
from onestack.platform import folders
from onestack.platform.infrastructure import galera, mariadb
from onestack.platform.shape import Folder


def test_an_existing_folder_that_keeps_its_owner_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A MariaDB that shuts down could not finish in a folder that is another user's by then."""
    given: list[str] = []
    wanted = [
        Folder("/new", keeps_owner=True),
        Folder("/there", mode=0o700, keeps_owner=True),
        Folder("/other"),
    ]
    (tmp_path / "there").mkdir(mode=0o750)
    monkeypatch.setattr(folders, "of", lambda view: wanted)
    monkeypatch.setattr(folders, "identities", lambda file: {"root": 0})
    monkeypatch.setattr(folders.os, "chown", lambda place, user, group: given.append(place.name))
    node = SimpleNamespace(
        paths=SimpleNamespace(lib=tmp_path / "lib"),
        tree=lambda name: tmp_path,
        outside=lambda path: tmp_path / path.removeprefix("/"),
    )
    folders.make(cast(Any, SimpleNamespace(view_of=lambda node: None)), cast(Any, node))
    assert given == ["new", "other"]
    assert (tmp_path / "there").stat().st_mode & 0o777 == 0o750


def test_mariadbs_folders_keep_their_owner_while_a_cloud_grows() -> None:
    used = {mariadb.DATA, galera.SOCKETS}
    declared = [each for each in folders.of(replicated()["c1"]) if each.path in used]
    assert {each.path for each in declared} == used
    assert all(each.keeps_owner for each in declared)
