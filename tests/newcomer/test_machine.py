"""Nothing escapes the comparison of a machine before and after."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from newcomer import machine, running


def test_what_is_more_less_or_otherwise_is_told() -> None:
    before = {"interfaces": {"lo": "UNKNOWN", "eth0": "UP"}, "users": {"root": "1"}}
    after = {"interfaces": {"lo": "UP", "tap0": "UP"}, "users": {"root": "1"}, "nft": {"table": "1"}}
    assert machine.difference(before, after) == {
        "interfaces": ["+ tap0", "- eth0", "~ lo: UNKNOWN → UP"],
    }


def test_a_machine_that_nobody_touched_is_as_it_was() -> None:
    seen = machine.look()
    assert {"interfaces", "routes", "sysctl", "mounts", "users", "groups", "files"} <= seen.keys()
    assert seen["sysctl"]["net/ipv4/ip_forward"] in ("0", "1")
    assert "/etc/passwd" in seen["files"]
    assert machine.left(seen, seen) == {}


def test_changed_files_are_told_but_not_those_of_other_clouds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "TREES", (str(tmp_path),))
    (tmp_path / "kept").write_text("as it was")
    before = {"files": machine.files()}
    (tmp_path / "new").mkdir()
    (tmp_path / "new/file").write_text("")
    (tmp_path / "second/run/onestack").mkdir(parents=True)
    (tmp_path / "second/etc").mkdir()
    assert machine.left(before, {"files": machine.files()}) == {
        "files": [f"+ {tmp_path}/new", f"+ {tmp_path}/new/file"]
    }


def test_the_unit_of_a_cloud_of_the_tests_is_told_from_that_of_a_second_cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "UNIT", re.compile(rf"{tmp_path}/.*[.]service"))
    (tmp_path / "one.service").write_text(f"ExecStart=onestack up --root {machine.RUNS}/1/main\n")
    (tmp_path / "two.service").write_text("ExecStart=onestack up --root /srv/second\n")
    (tmp_path / "left.service").symlink_to(tmp_path / "gone.service")
    (tmp_path / "one.conf").write_text(str(machine.RUNS))
    found = {file.name for file in tmp_path.iterdir() if machine.of_the_tests(str(file))}
    assert found == {"one.service"}


def test_what_people_keep_in_hidden_folders_is_not_gone_through_but_their_clients_configuration_is() -> None:
    assert machine.of_a_tool("/root/.rustup")
    assert machine.of_a_tool("/home/anna/.npm")
    assert not machine.of_a_tool("/root/.config")
    assert not machine.of_a_tool("/root/work")
    assert not machine.of_a_tool("/etc/.pwd")


def test_a_process_that_a_command_left_behind_is_found(tmp_path: Path) -> None:
    environment = {**os.environ, running.MARK: str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], env=environment, stdin=subprocess.PIPE, start_new_session=True
    ) as left:
        assert [line.split()[0] for line in running.Seen(environment).alive()] == [str(left.pid)]
        left.communicate(b"\n")
    assert running.Seen(environment).alive() == []
