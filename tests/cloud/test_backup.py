"""Backups of a cloud that serves: complete or none, read back as a whole; and what a damaged one becomes."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from cloud import guests, roots
from cloud.command import lines, onestack, start, succeed
from onestack import Cloud
from onestack.health.backup import contents, create

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def place(cloud: Cloud, guest: guests.Guest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one backup, of a cloud with a server."""
    made = tmp_path_factory.mktemp("saved") / "repository"
    answer = lines(succeed(cloud.paths.root, "backup create", "--json", "--to", str(made)))[-1]
    assert answer["complete"]
    return made


@pytest.fixture
def key(cloud: Cloud, tmp_path: Path) -> Path:
    file = tmp_path / "backup.key"
    succeed(cloud.paths.root, "backup key", "--out", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    return file


def listed(cloud: Cloud, place: Path) -> list[str]:
    (found,) = lines(succeed(cloud.paths.root, "backup list", "--json", "--from", str(place)))
    return [each["short"] for each in found]


def test_it_is_told_of_and_whole(cloud: Cloud, place: Path) -> None:
    (name,) = listed(cloud, place)
    told = json.loads(onestack(cloud.paths.root, "status", "--json").stdout)["backup"]
    assert (told["last"], told["to"], told["error"], told["late"]) == (name, str(place), "", False)
    assert not contents.staging(cloud.paths).exists()
    assert f"backup {name} is whole" in succeed(
        cloud.paths.root, "backup verify", name[:6], "--from", str(place)
    )


def test_one_that_is_interrupted_is_none(cloud: Cloud, place: Path) -> None:
    before = listed(cloud, place)
    command = start(cloud.paths.root, "backup create", "--json", "--to", str(place))
    assert command.stdout is not None
    for line in command.stdout:
        event = json.loads(line)
        if (event.get("step"), event.get("state")) == ("manifest", "finished"):
            command.send_signal(signal.SIGINT)
            break
    command.stdout.read()
    assert command.wait(60) == 130
    assert listed(cloud, place) == before
    assert not contents.staging(cloud.paths).exists()
    told = json.loads(onestack(cloud.paths.root, "status", "--json").stdout)["backup"]
    assert (told["last"], told["error"]) == (before[-1], "it was interrupted")
    with create.alone(cloud.paths):
        done = onestack(cloud.paths.root, "backup create", "--to", str(place))
    assert done.returncode == 1 and "another command works on this" in done.stderr


def test_what_cannot_be_restored_leaves_an_empty_root(
    cloud: Cloud, place: Path, key: Path, cloud_roots: Path, tmp_path: Path
) -> None:
    root = cloud_roots / "never"
    wrong = tmp_path / "wrong.key"
    wrong.write_text("not this one")
    damaged = tmp_path / "damaged"
    shutil.copytree(place, damaged)
    largest = max(
        (each for each in (damaged / "data").rglob("*") if each.is_file()), key=lambda f: f.stat().st_size
    )
    largest.chmod(0o600)
    os.truncate(largest, largest.stat().st_size // 2)
    for words, status, said in (
        (("--from", str(place), "--key", str(wrong)), 2, "the key is not that of the repository"),
        (("--from", str(tmp_path / "none"), "--key", str(key)), 2, "there is no repository of backups in"),
        (("--from", str(damaged), "--key", str(key)), 1, "restic failed in the repository"),
        (("00000000", "--from", str(place), "--key", str(key)), 2, "there is no complete backup"),
    ):
        done = onestack(root, "restore", *words)
        assert (done.returncode, said in done.stderr) == (status, True), done.stderr
        assert not root.exists()
    done = onestack(cloud.paths.root, "backup verify", "--from", str(damaged))
    assert done.returncode == 1 and "restic failed" in done.stderr
    done = onestack(cloud.paths.root, "restore", "--from", str(place), "--key", str(key))
    assert done.returncode == 2 and "there is a cloud under" in done.stderr


def test_a_restore_that_is_killed_is_no_cloud_and_is_done_again(
    place: Path, key: Path, cloud_roots: Path
) -> None:
    root = cloud_roots / "beside"
    words = ("--from", str(place), "--key", str(key))
    command = start(root, "restore", "--json", *words)
    assert command.stdout is not None
    for line in command.stdout:
        event = json.loads(line)
        if (event.get("step"), event.get("state")) == ("read", "started"):
            command.kill()
    command.wait(60)
    assert not Cloud(root).exists
    done = onestack(root, "up")
    assert (
        done.returncode == 1
        and "was interrupted, so that what lies there is not a whole cloud" in done.stderr
    )
    succeed(root, "restore", *words)
    assert Cloud(root).exists
    roots.take_away(root)
