"""What is copied to another host is a whole tool: all that it requires, and no more."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onestack.core.errors import BadInput, PermanentError
from onestack.core.events import silent
from onestack.core.paths import Paths
from onestack.host import facts, systemd
from onestack.host.machine import Ran, ssh
from onestack.platform.hosts import packages, tool


def test_its_packages_are_what_it_requires_and_not_what_its_tests_do() -> None:
    names = packages.distributions().keys()
    assert names >= {"onestack", "click", "pydantic", "openstacksdk", "supervisor", "uv", "keystoneauth1"}
    assert not names & {"pytest", "hypothesis", "playwright", "mypy", "ruff"}


def test_an_environment_of_those_files_runs_it(tmp_path: Path) -> None:
    root = Path(sys.prefix)
    for each in packages.files():
        target = tmp_path / "env" / each
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / each, target, follow_symlinks=False)
    (site,) = (tmp_path / "env/lib").glob("python*/site-packages")
    source = Path(packages.__file__).parents[3]
    (site / "_editable_impl_onestack.pth").write_text(f"{source}\n")
    ran = subprocess.run(
        [
            str(tmp_path / "env/bin/python"),
            "-I",
            "-c",
            "import onestack.agent, onestack.cli.all, sys; print(sys.prefix)",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.strip() == str(tmp_path / "env"), ran.stderr
    assert (tmp_path / "env/bin/uv").exists()


def test_its_place_says_what_is_in_it(tmp_path: Path) -> None:
    found = tool.place(Paths(tmp_path, tmp_path / "cache"))
    assert found.folder.parent == tmp_path / "cache/tool"
    assert found == tool.place(Paths(tmp_path / "other", tmp_path / "cache"))
    assert found.command("onestack.agent", "/")[1:] == ["-m", "onestack.agent", "/"]


PYTHON = f"3.9.99 {sysconfig.get_config_var('EXT_SUFFIX')}"
"""Of another update, with the same interface."""


class Far:
    """Another host. `free`: MiB. `ran`: what it was asked to run."""

    name = "n1"

    def __init__(self, *, free: int = 10_000, complete: Sequence[str] = (), python: str = PYTHON) -> None:
        self._free, self._complete, self._python = free, complete, python
        self.ran: list[str] = []

    def read_file(self, path: Path) -> bytes | None:
        return b"" if str(path.parent) in self._complete else None

    def run(self, argv: Sequence[str], **more: Any) -> Ran:
        self.ran.append(" ".join(argv))
        if "EXT_SUFFIX" in argv[-1]:
            return Ran(0, self._python)
        return Ran(0, "".join(f"{each}/complete\n" for each in self._complete))

    def facts(self, disks: Sequence[Path] = ()) -> facts.Facts:
        return replace(facts.gather(), disks={each: facts.Disk(self._free, 1) for each in disks})


def put(far: Any, tmp_path: Path) -> None:
    tool.put(far, ssh.Address("n1"), Paths(tmp_path, tmp_path / "cache"), silent)


def test_a_host_without_space_for_it_is_refused_before_anything_is_copied(tmp_path: Path) -> None:
    far = Far(free=20)
    with pytest.raises(BadInput, match="not enough disk space on n1: 20 MiB free") as raised:
        put(far, tmp_path)
    assert raised.value.exit_status == 2
    assert not any("tar" in each or "rm" in each for each in far.ran)


def test_a_host_with_another_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="n1 has another Python than this host") as raised:
        put(Far(python="3.9.2 .cpython-39-x86_64-linux-gnu.so"), tmp_path)
    assert "there: 3.9.2" in raised.value.detail


def test_a_copy_that_fails_half_way_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise PermanentError("No space left on device")

    monkeypatch.setattr(tool, "_copy", fail)
    far = Far()
    with pytest.raises(PermanentError, match="No space left"):
        put(far, tmp_path)
    assert far.ran[-1].startswith("rm -rf ") and far.ran[-1].endswith(".n1.partial")


def test_a_host_that_was_away_is_asked_with_the_version_it_has(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path / "cache")
    mine, old = tool.place(paths), tool.Tool(tmp_path / "cache/tool/old")
    far: Any = Far(complete=[str(old.folder)])
    assert tool.existing(far, paths) == old
    far = Far(complete=[str(old.folder), str(mine.folder)])
    assert tool.existing(far, paths) == mine
    with pytest.raises(PermanentError, match="n1 does not have OneStack"):
        tool.existing(Far(), paths)  # type: ignore[arg-type]


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    paths = Paths(tmp_path, tmp_path / "cache")
    for name in ("mine", "old", "used", "started", "next.n1.partial", "next.n2.partial"):
        (paths.cache / "tool" / name / "env/bin").mkdir(parents=True)
        (paths.cache / "tool" / name / "complete").touch()
    monkeypatch.setattr(sys, "prefix", str(paths.cache / "tool/mine/env"))
    units = tmp_path / "units"
    units.mkdir()
    (units / "onestack-x.service").write_text(
        f"ExecStart={paths.cache}/tool/started/env/bin/python -m onestack.cli"
    )
    monkeypatch.setattr(systemd, "UNITS", units)
    return paths


def test_copies_that_nothing_runs_from_and_no_unit_starts_are_removed(copies: Paths) -> None:
    folder = copies.cache / "tool"
    program = folder / "used/env/bin/python"
    program.symlink_to(sys.executable)
    with subprocess.Popen([str(program), "-c", "input()"], stdin=subprocess.PIPE) as running:
        try:
            gone = tool.tidy(copies, "n1")
        finally:
            running.kill()
    assert [each.name for each in gone] == ["next.n1.partial", "old"]
    # Another host that shares the cache makes its copy.
    left = sorted(each.name for each in folder.iterdir())
    assert left == ["mine", "next.n2.partial", "started", "used"]


def test_a_tool_that_is_no_such_copy_removes_none(copies: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/srv/onestack/.venv")
    assert tool.tidy(copies, "n1") == []
