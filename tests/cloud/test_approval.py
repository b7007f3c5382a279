"""The question before a change, at a real terminal; and what is refused where there is none."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest

from cloud import command
from onestack import Cloud

pytestmark = pytest.mark.cloud

SPEC = """\
name: asked
tenants:
  - name: asked
    networks: [{name: inside, subnets: [{cidr: 10.77.0.0/24}]}]
"""


def at_terminal(root: Path, name: str, *words: str, answer: str) -> tuple[int, str]:
    """Run a command whose standard input is a terminal, and answer its question."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            command.argv(root, name, *words),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            os.write(ours, f"{answer}\n".encode())
            said, _ = process.communicate(timeout=command.SECONDS)
        return process.returncode, said
    finally:
        os.close(ours)
        os.close(theirs)


def test_apply_asks_and_demands_yes_where_something_is_replaced(pretending: Cloud, tmp_path: Path) -> None:
    root, file = pretending.paths.root, tmp_path / "asked.yaml"
    file.write_text(SPEC)
    try:
        status, said = at_terminal(root, "apply", str(file), answer="no")
        assert status == 1
        assert "network asked/inside will be created" in said
        assert "not confirmed" in said
        assert not pretending.plan(file).present.keys() & {
            one.address for one in pretending.plan(file).changes
        }
        status, said = at_terminal(root, "apply", str(file), answer="yes")
        assert (status, "Applied: 3 added" in said) == (0, True), said
        file.write_text(SPEC.replace("10.77.0", "10.76.0"))
        refused = command.onestack(root, "apply", str(file), "--json")
        assert refused.returncode == 2
        told = command.lines(refused.stdout)[-1]
        assert "1 resource would be destroyed or replaced" in told["error"]
        assert "subnet asked/inside/inside (cidr cannot be changed)" in told["detail"]
        assert not pretending.plan(file).empty, "nothing was changed"
        written = tmp_path / "plan.json"
        command.succeed(root, "plan", str(file), "--out", str(written))
        assert "1 destroyed" in command.succeed(root, "apply", str(written))
        file.write_text(SPEC)
        assert "1 destroyed" in command.succeed(root, "apply", str(file), "--yes")
        status, said = at_terminal(root, "destroy", str(file), answer="n")
        assert (status, "will be destroyed" in said) == (1, True)
        assert pretending.plan(file).empty
    finally:
        command.succeed(root, "destroy", str(file), "--yes")
