"""docs/tutorial.md, word by word: its files written, its commands run, its answers seen."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud import command
from onestack import Cloud

pytestmark = pytest.mark.cloud

TUTORIAL = Path(__file__).parents[2] / "docs/tutorial.md"


def parts(text: str) -> Iterator[tuple[str, str]]:
    """(yaml, a file's text), (text, what was answered), (run, a command), in their order."""
    for match in re.finditer(r"^```(yaml|text)\n(.*?)^```|^    (onestack [^\n]*)$", text, re.M | re.S):
        yield (match[1], match[2]) if match[1] else ("run", match[3])


def test_the_tutorial(pretending: Cloud, tmp_path: Path) -> None:
    root, said, ran = pretending.paths.root, "", 0
    for kind, text in parts(TUTORIAL.read_text()):
        if kind == "yaml":
            (tmp_path / "cloud.yaml").write_text(text)
        elif kind == "text":
            for line in text.splitlines():
                start, _, _ = line.partition("…")
                assert start in said, f"{start!r} is not in:\n{said}"
        else:
            words, _, comment = text.partition("#")
            name, *rest = shlex.split(words)[1:]
            done = subprocess.run(
                command.argv(root, name, *rest),
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
            said = done.stdout
            expected = 2 if "exit status 2" in comment else 0
            assert done.returncode == expected, f"{text}: {done.returncode}\n{done.stdout}{done.stderr}"
            ran += 1
    assert ran == 10
