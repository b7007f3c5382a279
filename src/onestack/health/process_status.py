"""How each process of a cloud is on this host."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from onestack.core.graph import Task, execute
from onestack.host import processes
from onestack.platform import layout
from onestack.platform.readiness import is_ready
from onestack.platform.shape import Process
from onestack.platform.site import Site


@dataclass(frozen=True)
class ProcessStatus:
    """A process. `memory`: its proportional set size in MiB. `uptime`: seconds. `answers`: its readiness check."""

    name: str
    state: str
    pid: int | None = None
    memory: int | None = None
    uptime: float | None = None
    restarts: int = 0
    answers: bool = False
    seen: str = ""
    host: str = ""
    """Where it runs, in a cloud of several hosts."""


def process_statuses(site: Site) -> list[ProcessStatus]:
    """Every process of the cloud, its readiness asked for side by side."""
    running = site.here.supervisor.programs()
    counted = restarts(site)
    found: dict[str, ProcessStatus] = {}

    def collect(process: Process) -> None:
        there = running.get(process.name)
        if there is None or not there.pid:
            found[process.name] = ProcessStatus(process.name, there.state if there else "STOPPED")
            return
        answers, seen = is_ready(site.here, process.ready)
        memory = processes.memory(there.pid)
        found[process.name] = ProcessStatus(
            process.name,
            there.state,
            there.pid,
            memory // 1024 if memory else None,
            max(0.0, time.time() - there.since),
            counted.get(process.name, 0),
            answers,
            seen,
        )

    everything = layout.processes(site.view)
    failed = execute([Task(each.name, lambda p=each: collect(p)) for each in everything])  # type: ignore[misc]
    for error in failed.values():
        raise error
    return [found[each.name] for each in everything]


def restarts(site: Site) -> dict[str, int]:
    """How often each process was started again since `up`, as the keeper counted."""
    file = site.paths.run / "keeper.json"
    try:
        counted: dict[str, int] = json.loads(file.read_text())["restarts"]
    except (OSError, ValueError, KeyError):
        return {}
    return counted
