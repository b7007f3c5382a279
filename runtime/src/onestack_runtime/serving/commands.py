"""Runs commands; a failure contains the command's error output."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

SECONDS = 30.0


class Failed(Exception):
    """A command failed or timed out."""


def run(argv: Sequence[str], *, seconds: float = SECONDS) -> str:
    """Run a command; returns its output. Raises Failed."""
    try:
        result = subprocess.run(argv, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{' '.join(argv[:6])}: not finished within {seconds:.0f} s") from late
    if result.returncode:
        output = "\n".join((result.stderr or result.stdout).strip().splitlines()[-15:])
        raise Failed(f"{' '.join(argv)}: {output or f'exit status {result.returncode}'}")
    return result.stdout
