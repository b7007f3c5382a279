"""What backups cannot hold is refused by name; a restore touches nothing where a cloud is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from onestack.cli.all import main  # noqa: F401 - adds the commands
from onestack.cli.main import cli
from onestack.core.errors import BadInput
from onestack.core.events import silent
from onestack.core.paths import Paths
from onestack.health.backup import create, restore
from onestack.health.backup.operations import Backups
from onestack.language.diagnostics import BadSpec
from onestack.platform import backups
from onestack.platform.choices import Choices
from onestack.spec import loads
from onestack.spec.backup import unsupported

HOSTS = """
hosts:
- {name: c1, address: 192.0.2.1, roles: [control, network, compute]}
- {name: n1, address: 192.0.2.2, roles: [compute]}
"""
LVM = "platform: {volumes: {backends: [{name: fast, driver: lvm, volume_group: vg}]}%s}\n"
RBD = "platform: {volumes: {backends: [{name: far, driver: rbd}]}%s}\n"
BACKUP = ", backup: {to: /srv/backup}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"platform: {{backup: {{to: /srv/backup}}}}{HOSTS}", "a cloud of several hosts"),
        (LVM % BACKUP, "volumes in LVM (the backend 'fast')"),
        (RBD % BACKUP, "volumes in a Ceph cluster (the backend 'far')"),
    ],
)
def test_a_spec_with_what_is_not_supported(text: str, said: str) -> None:
    with pytest.raises(BadSpec) as refused:
        loads(text, "cloud.yaml")
    assert said in refused.value.detail


@pytest.mark.parametrize("text", [LVM % "", RBD % "", HOSTS])
def test_the_command_asks_the_same(text: str) -> None:
    assert unsupported(loads(text, "cloud.yaml"))


def test_a_common_spec_is_supported() -> None:
    spec = loads("platform: {backup: {to: /srv/backup, every: 6h, keep: {daily: 3}}}\n", "cloud.yaml")
    assert unsupported(spec) is None
    assert spec.platform.backup is not None
    assert spec.platform.backup.keep.counts == {"last": 1, "daily": 3, "weekly": 4, "monthly": 0}


@pytest.mark.parametrize(
    "section",
    [
        "{to: relative}",
        "{}",
        "{to: /srv/backup, every: 1m}",
        "{to: /srv/backup, keep: {last: 0, daily: 0, weekly: 0}}",
    ],
)
def test_wrong_sections(section: str) -> None:
    with pytest.raises(BadSpec):
        loads(f"platform: {{backup: {section}}}\n", "cloud.yaml")


@pytest.mark.parametrize(
    "below", ["var/lib/onestack", "etc/onestack/backup", "run/onestack", "var/log/onestack/x"]
)
def test_a_folder_that_goes_away_with_the_cloud(tmp_path: Path, below: str) -> None:
    with pytest.raises(BadInput, match="goes away with the cloud"):
        create.require_place(Paths.at(tmp_path), tmp_path / below)


@pytest.mark.parametrize("remote", ["s3:bucket", "sftp:host:/srv", "rest:http://host", "s3://bucket/x"])
def test_only_folders_so_far(remote: str) -> None:
    with pytest.raises(BadInput, match="only folders are supported yet"):
        create.require_place(Paths.at("/"), Path(remote))


def test_a_restore_where_a_cloud_is(tmp_path: Path) -> None:
    paths = Paths.at(tmp_path)
    paths.etc.mkdir(parents=True)
    (paths.etc / "choices.json").write_text("{}")
    with pytest.raises(BadInput, match="there is a cloud under") as refused:
        Backups(paths, tmp_path / "backup", "key").restore()
    assert "onestack destroy" in refused.value.hint
    assert (paths.etc / "choices.json").read_text() == "{}"


def test_a_restore_where_something_is(tmp_path: Path) -> None:
    paths = Paths.at(tmp_path)
    (paths.data / "mysql").mkdir(parents=True)
    with pytest.raises(BadInput, match="there is something of a cloud"):
        Backups(paths, tmp_path / "backup", "key").restore()
    assert (paths.data / "mysql").exists()


def test_a_restore_needs_a_folder_and_a_key(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="from a folder, with its key"):
        Backups(Paths.at(tmp_path)).restore()
    with pytest.raises(BadInput, match="there is no repository of backups in"):
        Backups(Paths.at(tmp_path), tmp_path / "none", "key").restore()
    assert list(tmp_path.iterdir()) == []


def test_a_restore_that_fails_leaves_an_empty_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, place = tmp_path / "root", tmp_path / "backup"
    place.mkdir()
    (place / "config").touch()

    def cut(paths: Paths, *_: object) -> None:
        (paths.lib / backups.RESTORING / "files/etc").mkdir(parents=True)
        raise KeyboardInterrupt

    monkeypatch.setattr(restore, "_programs", lambda paths, emit: Path("/"))
    monkeypatch.setattr(restore, "_restore", cut)
    paths = Paths.at(root)
    with pytest.raises(KeyboardInterrupt):
        restore.restore(paths, place, "key", None, silent)
    assert not root.exists()


def test_one_that_was_killed_is_begun_anew(tmp_path: Path) -> None:
    paths = Paths.at(tmp_path)
    (paths.lib / backups.RESTORING).mkdir(parents=True)
    (paths.data / "mysql").mkdir(parents=True)
    paths.etc.mkdir(parents=True)
    (paths.etc / "choices.json").write_text("{}")
    restore.require_empty(paths)
    restore._clear(paths)
    assert not paths.etc.exists() and not paths.data.exists()


def test_what_is_restored_becomes_a_cloud_at_last(tmp_path: Path) -> None:
    paths, restored = Paths.at(tmp_path), tmp_path / "restored"
    for name in ("etc/choices.json", "etc/secrets.json", "data/mysql/ibdata1"):
        (restored / name).parent.mkdir(parents=True, exist_ok=True)
        (restored / name).write_text(name)
    paths.lib.mkdir(parents=True)
    restore.move(paths, restored)
    assert (paths.etc / "choices.json").read_text() == "etc/choices.json"
    assert (paths.etc / "secrets.json").exists()
    assert (paths.data / "mysql/ibdata1").exists()
    assert paths.etc.stat().st_mode & 0o777 == 0o700


def test_the_default_roots_cloud_is_restored_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "choices.json"
    Choices("c1", "qemu", "netdev", False, "base", "env", "runtime", {}).save(file)
    restore.adapt(file, Paths.at(tmp_path), loads("name: x\n"))
    assert Choices.load(file).isolated
    restore.adapt(file, Paths.at("/"), loads("name: x\n"))
    assert not Choices.load(file).isolated


def test_owners_that_have_other_ids_now() -> None:
    assert restore.renamed({"mysql": 100, "root": 0, "gone": 7}, {"mysql": 101, "root": 0}) == {100: 101}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["restore", "--from", "/nowhere", "--key", "/nowhere/key"], "/nowhere/key cannot be read"),
        (["backup", "list"], "no cloud under"),
        (["backup", "create", "--to", "/srv/backup"], "no cloud under"),
        (["backup", "prune", "--keep-last", "0", "--from", "/srv/backup"], "no backup would be kept"),
        (["backup", "key"], "no cloud under"),
    ],
)
def test_wrong_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    result = CliRunner().invoke(cli, [*words, "--root", str(tmp_path / "root")])
    assert isinstance(result.exception, BadInput)
    assert said in result.exception.summary
