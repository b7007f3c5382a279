"""The real command line, as its users run it: a process of its own, its answers, its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SECONDS = 600.0
"""How long a command may take: a whole `up` on a busy machine."""


def argv(root: Path, name: str, *words: str) -> list[str]:
    """The command line of `onestack NAME --root ROOT WORDS`; NAME may be several words."""
    return [sys.executable, "-m", "onestack.cli", *name.split(), "--root", str(root), *words]


def onestack(
    root: Path, name: str, *words: str, seconds: float = SECONDS
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        argv(root, name, *words),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def succeed(root: Path, name: str, *words: str, seconds: float = SECONDS) -> str:
    """Run a command that must succeed; what it wrote to standard output."""
    done = onestack(root, name, *words, seconds=seconds)
    assert done.returncode == 0, f"onestack {name} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def start(root: Path, name: str, *words: str) -> subprocess.Popen[str]:
    """Start a command whose output is read as it comes."""
    return subprocess.Popen(
        argv(root, name, *words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def lines(text: str) -> list[Any]:
    """The values of `--json`, one a line."""
    return [json.loads(line) for line in text.splitlines()]
