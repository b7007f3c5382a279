"""The status of a cloud: every process, worker and agent; what is degraded and why."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from openstack.connection import Connection
from openstack.exceptions import SDKException

from onestack.autoscaling import status as autoscaling_status
from onestack.core.graph import Task, execute
from onestack.health import replacements as replaced_functions
from onestack.health.replacements import Replacements
from onestack.host import processes
from onestack.platform import connect, layout
from onestack.platform.hypervisors import out_by_itself
from onestack.platform.readiness import is_ready
from onestack.platform.shape import Process
from onestack.platform.site import Site
from onestack.platform.watchers import AUTOSCALER, KEEPER, is_scaling

Health = Literal["healthy", "degraded", "not running"]
EXIT_STATUS: dict[Health, int] = {"healthy": 0, "degraded": 1, "not running": 3}


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


@dataclass(frozen=True)
class WorkerStatus:
    """A worker or agent as OpenStack reports it. `out`: why OpenStack gives it no work."""

    kind: str
    name: str
    host: str
    alive: bool
    enabled: bool = True
    out: str = ""


@dataclass(frozen=True)
class Status:
    """`reasons`: what is degraded, and why, in words. `scaling`: why scaling groups cannot reach their size; this
    does not make the cloud degraded, since it may be a tenant's quota. `warnings`: what does not make it degraded
    either. `replacements`: which of OpenStack's functions are replaced in its processes."""

    health: Health
    name: str
    release: str
    gateway: str
    hypervisor: str
    datapath: str
    guests: int
    processes: tuple[ProcessStatus, ...]
    workers: tuple[WorkerStatus, ...] = ()
    reasons: tuple[str, ...] = ()
    scaling: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    replacements: Replacements = field(default_factory=Replacements)
    chosen: dict[str, str] = field(default_factory=dict)

    @property
    def exit_status(self) -> int:
        return EXIT_STATUS[self.health]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def examine(site: Site) -> Status:
    """Collect and diagnose everything. Must run in the cloud's network."""
    found = process_statuses(site)
    reasons = [
        f"{each.name} does not run ({each.state.lower()}); see `onestack logs {each.name}`"
        if each.pid is None
        else f"{each.name} does not answer: {each.seen}"
        for each in found
        if not each.answers
    ]
    workers: list[WorkerStatus] = []
    if all(each.pid is None for each in found):
        health: Health = "not running"
        reasons = ["nothing runs; `onestack up` brings it back"]
    else:
        if not reasons:
            try:
                workers = list(worker_statuses(site))
            except SDKException as error:
                reasons.append(f"the APIs refuse: {error}")
        reasons += watcher_reasons(site)
        reasons += [f"{w.kind} on {w.host} is not alive" for w in workers if w.enabled and not w.alive]
        reasons += [f"{w.kind} on {w.host} is out of service: {w.out}" for w in workers if w.out]
        health = "degraded" if reasons else "healthy"
    inside = processes.inside(site.paths.run)
    replaced = replaced_functions.read(site.paths.run, [each.name for each in found if each.pid is not None])
    return Status(
        health=health,
        name=site.spec.name,
        release=site.view.cloud.series,
        gateway=site.gateway,
        hypervisor=site.leader.choices.virt_type,
        datapath={"system": "kernel", "netdev": "userspace"}[site.leader.choices.datapath],
        guests=sum(each.is_guest for each in inside),
        processes=tuple(found),
        workers=tuple(workers),
        reasons=tuple(reasons),
        scaling=() if health == "not running" else tuple(scaling_problems(site.paths.run)),
        warnings=tuple(replaced.warnings()),
        replacements=replaced,
        chosen=site.leader.choices.reasons,
    )


def process_statuses(site: Site) -> list[ProcessStatus]:
    """The status of every process; the readiness checks run in parallel."""
    running = site.leader.supervisor.programs()
    counted = restarts(site)
    found: dict[str, ProcessStatus] = {}

    def collect(process: Process) -> None:
        program = running.get(process.name)
        if program is None or not program.pid:
            found[process.name] = ProcessStatus(process.name, program.state if program else "STOPPED")
            return
        answers, observation = is_ready(site.leader, process.ready)
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
        )

    everything = layout.processes(site.view)
    failed = execute([Task(each.name, lambda p=each: collect(p)) for each in everything])  # type: ignore[misc]
    for error in failed.values():
        raise error
    return [found[each.name] for each in everything]


def scaling_problems(run: Path) -> Iterator[str]:
    """Why scaling groups cannot reach their size; also works while services are down."""
    autoscaling = autoscaling_status.read(run)
    for group in autoscaling.get("groups", {}).values():
        for problem in group["problems"]:
            yield f"scaling group {group['name']} of project {group['project']}: {problem}"
    yield from autoscaling.get("problems", ())


def watcher_reasons(site: Site) -> list[str]:
    """Problems of the keeper and the autoscaler, which nothing else would report."""
    running = site.leader.supervisor.programs()
    wanted = [KEEPER, *([AUTOSCALER] if is_scaling(site) else [])]
    return [
        f"{name} does not run; see `onestack logs {name}`"
        for name in wanted
        if name not in running or running[name].state not in ("RUNNING", "STARTING")
    ]


def restarts(site: Site) -> dict[str, int]:
    """How often each process was restarted since `up`, as counted by the keeper."""
    file = site.paths.run / "keeper.json"
    try:
        counted: dict[str, int] = json.loads(file.read_text())["restarts"]
    except (OSError, ValueError, KeyError):
        return {}
    return counted


def worker_statuses(site: Site) -> Iterable[WorkerStatus]:
    """Nova's and Cinder's services, Neutron's agents."""
    admin: Connection = connect.connection(site)
    if "compute" in site.view.cloud.services:
        for service in admin.compute.services():
            yield WorkerStatus(
                service.binary,
                service.binary,
                service.host,
                service.state == "up",
                service.status == "enabled",
                out_by_itself(service.disabled_reason),
            )
    if "block-storage" in site.view.cloud.services:
        for each in admin.block_storage.services():
            yield WorkerStatus(
                each.binary, each.binary, each.host, each.state == "up", each.status == "enabled"
            )
    if "network" in site.view.cloud.services:
        for agent in admin.network.agents():
            yield WorkerStatus(
                agent.agent_type, agent.binary, agent.host, agent.is_alive, agent.is_admin_state_up
            )
