"""What a pretended host was changed by: looked at before and after, and compared.

The looking is done by `looking.py`, in the host's network namespace and in a mount namespace that has its disk.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from onestack.host.command import run

from . import processes
from .processes import Held

Traces = dict[str, list[str]]
"""By kind, sorted lines."""
_LOOKING = Path(__file__).with_name("looking.py")


def look(init: Held | None, image: Path, disk: Path) -> Traces:
    """All of a host with the first process `init`; of one that is lost (None) only the files."""
    python = [sys.executable, "-I", str(_LOOKING)]
    found: Traces = json.loads(
        run(["unshare", "--mount", "--", *python, "files", str(image), str(disk)], seconds=300)
    )
    if init is not None:
        network = ["nsenter", f"--net={init.namespace('net')}", "--", *python, "network"]
        found |= json.loads(run(network))
        found |= json.loads(run([*python, "run", f"/proc/{init.pid}"]))
        found["processes"] = sorted(
            words for pid in processes.within(init) if (words := processes.words(pid))
        )
    return found


def write(file: Path, seen: Traces) -> None:
    file.write_text(json.dumps(seen))


def read(file: Path) -> Traces:
    found: Traces = json.loads(file.read_text())
    return found


def differences(before: Mapping[str, list[str]], now: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """By kind what came (+) and went (-); kinds without any are left out, and those that were not looked at now."""
    found = {}
    for kind, lines in now.items():
        old, new = set(before.get(kind, [])), set(lines)
        if old != new:
            found[kind] = [f"+ {each}" for each in sorted(new - old)] + [
                f"- {each}" for each in sorted(old - new)
            ]
    return found
