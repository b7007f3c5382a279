"""The status of each of a cloud's processes on this host."""

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
from onestack.platform.watchers import AUTOSCALER, EXPORTER, KEEPER, exports, is_scaling


@dataclass(frozen=True)
class ProcessStatus:
    """A process. `memory`: its proportional set size in MiB. `uptime`: seconds. `answers`: its readiness check.
    `cpu`: the processor time that it took, in seconds."""

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
    cpu: float | None = None


def process_statuses(site: Site) -> list[ProcessStatus]:
    """The status of every process; the readiness checks run in parallel."""
    running = site.here.supervisor.programs()
    counted = restarts(site)
    found: dict[str, ProcessStatus] = {}

    def collect(process: Process) -> None:
        program = running.get(process.name)
        if program is None or not program.pid:
            found[process.name] = ProcessStatus(process.name, program.state if program else "STOPPED")
            return
        answers, observation = is_ready(site.here, process.ready)
        memory = processes.memory(program.pid)
        found[process.name] = ProcessStatus(
            process.name,
            program.state,
            program.pid,
            memory // 1024 if memory else None,
            max(0.0, time.time() - program.since),
            counted.get(process.name, 0),
            answers,
            observation,
            cpu=processes.cpu_seconds(program.pid),
        )

    everything = layout.processes(site.view)
    failed = execute([Task(each.name, lambda p=each: collect(p)) for each in everything])  # type: ignore[misc]
    for error in failed.values():
        raise error
    return [found[each.name] for each in everything]


def restarts(site: Site) -> dict[str, int]:
    """How often each process was restarted since `up`, as counted by the keeper."""
    file = site.paths.run / "keeper.json"
    try:
        counted: dict[str, int] = json.loads(file.read_text())["restarts"]
    except (OSError, ValueError, KeyError):
        return {}
    return counted


def watcher_reasons(site: Site) -> list[str]:
    """Problems of the keeper, the autoscaler and the exporter, which nothing else would report."""
    running = site.here.supervisor.programs()
    wanted = [
        KEEPER,
        *([AUTOSCALER] if is_scaling(site) else []),
        *([EXPORTER] if exports(site) else []),
    ]
    return [
        f"{name} does not run; see `onestack logs {name}`"
        for name in wanted
        if name not in running or running[name].state not in ("RUNNING", "STARTING")
    ]
