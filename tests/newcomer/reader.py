"""Somebody who follows a page at a terminal, and believes what it says: each command must do that."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from newcomer import pages, running, terminal
from newcomer.guide import CLONE
from onestack.health.verify import outside

SECONDS = 900.0
"""How long a command may take: the first `up` on a fresh machine fetches everything."""
PATIENCE = 90.0
"""How long one who asks a guest waits until it has booted and answers."""


class PageIsWrong(AssertionError):
    """A page says what is not so."""


@dataclass
class Reader:
    """`folder`: where the commands are typed. `values`: what earlier ones printed that later ones use."""

    folder: Path
    environment: Mapping[str, str]
    values: dict[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path, temporary: Path) -> Reader:
        """With the clone's `onestack` among the programs, colours, and a folder of its own for temporary files."""
        own = {
            "PATH": f"{CLONE}:{os.environ['PATH']}",
            "TMPDIR": str(temporary),
            "TERM": "xterm-256color",
            # At the default root a guest would ask this machine's own gateway and DNS servers.
            outside.ASK: "0",
            running.MARK: str(os.getpid()),
        }
        return cls(folder, {**os.environ, **own})

    def follow(self, step: pages.Step) -> str:
        """Do one thing that the page says. Returns what was shown; raises PageIsWrong."""
        if isinstance(step, pages.File):
            (self.folder / step.name).write_text(step.text)
            return ""
        text = pages.filled(step.text, self.values)
        deadline = time.monotonic() + PATIENCE
        while wrong := self._wrong(step, said := self.type(text)):
            # Only a guest may answer later: whoever follows the page would ask it again.
            if " curl " not in text or time.monotonic() > deadline:
                raise PageIsWrong(f"{step.where}: {text}\n{wrong}\nIt showed:\n{said.output}")
            time.sleep(1)
        if step.prints:
            self.values[step.prints] = pages.printed(step.prints, said.output)
        return said.output

    def type(self, text: str, seconds: float = SECONDS) -> terminal.Said:
        """Run a command; it stands in the test's record with its time."""
        said = terminal.run(text, self.folder, self.environment, seconds)
        sys.stdout.write(f"{said.seconds:6.1f} s  $ {text}  [{said.status}]\n")
        sys.stdout.flush()
        return said

    @staticmethod
    def _wrong(step: pages.Command, said: terminal.Said) -> str:
        if said.status != step.status:
            return f"It ended with {said.status}, not {step.status}."
        lacking = [answer for answer in step.answers if answer not in said.output]
        return f"It did not show: {lacking}" if lacking else ""
