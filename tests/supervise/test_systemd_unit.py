"""The unit of machines with systemd: what it calls, and how `up` and `down` by hand keep it in step."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from onestack.core.paths import Paths
from onestack.host import systemd


class Machine:
    """A pretended systemd: the state of the unit, and what was asked of it."""

    def __init__(self, state: str) -> None:
        self.state = state
        self.asked: list[list[str]] = []

    def run(self, argv: Sequence[str], **_: object) -> str:
        self.asked.append(list(argv))
        return self.state


def machine(monkeypatch: pytest.MonkeyPatch, units: Path, state: str = "inactive") -> Machine:
    found = Machine(state)
    monkeypatch.setattr(systemd, "run", found.run)
    monkeypatch.setattr(systemd, "runs", lambda: True)
    monkeypatch.setattr(systemd, "UNITS", units)
    return found


def paths(tmp_path: Path, name: str = "a root") -> Paths:
    found = Paths.at(tmp_path / name, tmp_path / "cache")
    found.run.mkdir(parents=True)
    return found


def shell(unit: str, key: str) -> str:
    """The shell's script of a line of the unit, as systemd reads it."""
    line = next(each for each in unit.splitlines() if each.startswith(f"{key}="))
    words = shlex.split(line.removeprefix(f"{key}=").replace("$$", "$").replace("%%", "%"))
    assert words[:2] == ["/bin/sh", "-c"]
    return words[2]


@pytest.mark.parametrize("root", ["plain", "a root", "50%", 'the "best" $HOME'])
def test_the_unit_calls_up_and_down_whatever_the_root_is_called(tmp_path: Path, root: str) -> None:
    there = paths(tmp_path, root)
    text = systemd.unit(there, "/bin/echo")
    said = subprocess.run(["/bin/sh", "-c", shell(text, "ExecStart")], capture_output=True, text=True)
    assert said.stdout == f"-m onestack.cli up --root {there.root} --leave-unreachable --wait 600\n"
    (there.run / "ns").mkdir()
    (there.run / "ns/mnt").touch()
    said = subprocess.run(["/bin/sh", "-c", shell(text, "ExecStop")], capture_output=True, text=True)
    assert said.stdout == f"-m onestack.cli down --root {there.root} --this-host --wait 600\n"


def test_an_up_by_hand_makes_the_unit_active_without_a_second_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, seen = paths(tmp_path), machine(monkeypatch, tmp_path)
    systemd.begun(there)
    assert ["systemctl", "start", "--no-block", systemd.name(there)] in seen.asked
    script = shell(systemd.unit(there, "/bin/echo"), "ExecStart")
    first = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True)
    assert (first.returncode, first.stdout) == (0, "")
    assert (
        "onestack.cli up" in subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True).stdout
    )


@pytest.mark.parametrize("state", ["activating", "active"])
def test_an_up_of_the_unit_itself_leaves_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    there, seen = paths(tmp_path), machine(monkeypatch, tmp_path, state)
    systemd.begun(there)
    assert [words[1] for words in seen.asked] == ["show"]
    assert not list(there.run.iterdir())


def test_a_down_by_hand_makes_the_unit_inactive_without_a_second_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, seen = paths(tmp_path), machine(monkeypatch, tmp_path)
    systemd.install(there, "/bin/echo")
    systemd.begun(there)
    systemd.ended(there)
    assert seen.asked[-1] == ["systemctl", "stop", "--no-block", systemd.name(there)]
    assert not list(there.run.iterdir()), "the next start of the unit would take the cloud for up"
    said = subprocess.run(
        ["/bin/sh", "-c", shell(systemd.unit(there, "/bin/echo"), "ExecStop")], capture_output=True, text=True
    )
    assert (said.returncode, said.stdout) == (0, "")


def test_what_an_earlier_up_was_cut_off_in_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, seen = paths(tmp_path), machine(monkeypatch, tmp_path)
    assert systemd.install(there, "/bin/echo")
    # The file is there, but it was not enabled.
    assert systemd.install(there, "/bin/echo")
    wants = tmp_path / "multi-user.target.wants"
    wants.mkdir()
    (wants / systemd.name(there)).symlink_to(tmp_path / systemd.name(there))
    seen.asked.clear()
    assert not systemd.install(there, "/bin/echo")
    assert not seen.asked


def test_the_processes_are_ended_after_the_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = paths(tmp_path)
    machine(monkeypatch, tmp_path)
    assert f"--property=Before={systemd.name(there)}" in systemd.detached(["supervisord"], there)


def test_removing_it_stops_it_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there, seen = paths(tmp_path), machine(monkeypatch, tmp_path)
    systemd.install(there, "/bin/echo")
    systemd.remove(there)
    assert ["systemctl", "disable", "--now", systemd.name(there)] in seen.asked
    assert not (tmp_path / systemd.name(there)).exists()
