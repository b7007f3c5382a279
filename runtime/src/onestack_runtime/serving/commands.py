"""Runs commands; a failure carries what the command said."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

SECONDS = 30.0


class Failed(Exception):
    """A command ended with a failure, or took too long."""


def run(argv: Sequence[str], *, seconds: float = SECONDS) -> str:
    """What the command wrote; raises Failed."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{' '.join(argv[:6])}: no end within {seconds:.0f} s") from late
    if done.returncode:
        output = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise Failed(f"{' '.join(argv)}: {output or f'exit status {done.returncode}'}")
    return done.stdout
