"""What is copied to another host is a whole tool: all that it requires, and no more."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from onestack.core.paths import Paths
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
