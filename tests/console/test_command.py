"""The command finds the console that runs already."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from onestack.cli.console import _running_port


@pytest.mark.parametrize("state", ["", "{", "{}", '{"pid": 0, "port": 1}', '{"pid": "../../etc", "port": 1}'])
def test_what_is_no_state_is_no_console(tmp_path: Path, state: str) -> None:
    file = tmp_path / "state.json"
    assert _running_port(file) is None
    file.write_text(state)
    assert _running_port(file) is None


def test_another_process_with_that_id_is_no_console(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text(json.dumps({"pid": os.getpid(), "port": 1}))
    assert _running_port(file) is None


def command(root: Path, port: int = 0) -> list[str]:
    """The command line of a console at a port."""
    given = (root, root / "cache", port, "ada", "no", "yes")
    return [sys.executable, "-m", "onestack.console", *map(str, given)]


def test_the_console_that_runs_is_found_and_says_its_link(tmp_path: Path) -> None:
    words = command(tmp_path)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        state = tmp_path / "run/onestack/console/state.json"
        assert _running_port(state) == said["port"]
        assert said["url"].startswith(f"http://127.0.0.1:{said['port']}/login?token=")
        process.terminate()
        assert process.wait(30) == 0
        assert not state.exists()


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    words = command(tmp_path)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        taken = command(tmp_path, json.loads(process.stdout.readline())["port"])
        second = subprocess.run(taken, capture_output=True, text=True, check=False, timeout=60)
        assert second.returncode == 2
        assert "cannot be bound" in second.stderr
        assert "--port" in second.stderr
        process.terminate()
