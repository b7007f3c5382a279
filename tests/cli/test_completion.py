"""What a shell is told when Tab is pressed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from onestack.autoscaling import status as autoscaling_status
from onestack.cli import all as _commands  # noqa: F401 (adds them)
from onestack.cli.main import cli


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A cloud of which nothing is left but what its autoscaler wrote."""
    run = tmp_path / "run/onestack"
    run.mkdir(parents=True)
    groups = {str(number): {"name": name} for number, name in enumerate(["web", "worker", "api", "web"])}
    (run / autoscaling_status.FILE).write_text(json.dumps({"groups": groups}))
    return tmp_path


def offered(*words: str, incomplete: str) -> list[str]:
    shell = ShellComplete(cli, {}, "onestack", "_ONESTACK_COMPLETE")
    return [item.value for item in shell.get_completions(list(words), incomplete)]


@pytest.mark.parametrize("verb", ["group", "why", "history"])
def test_names_of_scaling_groups_are_offered(root: Path, verb: str) -> None:
    words = ("scale", verb, "--root", str(root))
    assert offered(*words, incomplete="w") == ["web", "worker"]
    assert offered(*words, incomplete="") == ["api", "web", "worker"]


def test_where_no_autoscaler_ran_there_are_none(tmp_path: Path) -> None:
    assert offered("scale", "why", "--root", str(tmp_path), incomplete="") == []


def test_commands_are_offered_beside_them() -> None:
    assert "simulate" in offered("scale", incomplete="sim")
