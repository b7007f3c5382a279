"""The status of a cloud: every process, worker and agent; what is degraded and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from onestack.autoscaling import status as autoscaling_status
from onestack.health import ceph, hosts
from onestack.health import quorum as quorums
from onestack.health import replacements as replaced_functions
from onestack.health.ceph import CephStatus
from onestack.health.process_status import ProcessStatus, process_statuses, watcher_reasons
from onestack.health.quorum import Quorum
from onestack.health.replacements import Replacements
from onestack.host import processes
from onestack.platform import backups
from onestack.platform.backups import BackupStatus
from onestack.platform.site import Site

Health = Literal["healthy", "degraded", "not running"]
EXIT_STATUS: dict[Health, int] = {"healthy": 0, "degraded": 1, "not running": 3}


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
    quorum: tuple[Quorum, ...] = ()
    """The clusters of infrastructure services, with several control hosts."""
    ceph: CephStatus | None = None
    """The managed Ceph, if the cloud has one."""
    backup: BackupStatus | None = None
    """Its backups, if it has a schedule or any."""

    @property
    def exit_status(self) -> int:
        return EXIT_STATUS[self.health]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def examine(site: Site, *, apis: bool = True) -> Status:
    """Collect and diagnose everything. Must run in the cloud's network.

    `apis`: ask OpenStack for its workers and agents, too; without, only the processes themselves are asked.
    """
    elsewhere = hosts.collect(site.paths) if site.leads else hosts.Elsewhere()
    found = [*process_statuses(site), *elsewhere.processes]
    reasons = [
        *elsewhere.unreachable,
        *elsewhere.late,
        *(_complaint(each) for each in found if not each.answers),
    ]
    workers: list[WorkerStatus] = []
    members: tuple[Quorum, ...] = ()
    stored: CephStatus | None = None
    if all(each.pid is None for each in found):
        health: Health = "not running"
        reasons = ["nothing runs; `onestack up` brings it back"]
    else:
        if not reasons and site.leads and apis:
            workers, refused = _workers(site)
            reasons += refused
        reasons += [*watcher_reasons(site), *elsewhere.watchers]
        members = quorums.collect(site)
        reasons += quorums.reasons(members)
        stored = ceph.collect(site)
        reasons += ceph.reasons(stored)
        reasons += [f"{w.kind} on {w.host} is not alive" for w in workers if w.enabled and not w.alive]
        reasons += [f"{w.kind} on {w.host} is out of service: {w.out}" for w in workers if w.out]
        health = "degraded" if reasons else "healthy"
    inside = processes.inside(site.paths.run)
    replaced = replaced_functions.read(site.paths.run, [each.name for each in found if each.pid is not None])
    copied = backups.of(site) if site.leads else None
    return Status(
        health=health,
        name=site.spec.name,
        release=site.view.cloud.series,
        gateway=site.gateway,
        hypervisor=site.here.choices.virt_type,
        datapath={"system": "kernel", "netdev": "userspace"}[site.here.choices.datapath],
        guests=sum(each.is_guest for each in inside),
        processes=tuple(found),
        workers=tuple(workers),
        reasons=tuple(reasons),
        scaling=() if health == "not running" else tuple(scaling_problems(site.paths.run)),
        warnings=(*elsewhere.warnings, *replaced.warnings(), *backups.warnings(copied)),
        replacements=replaced,
        chosen=site.here.choices.reasons,
        quorum=members,
        ceph=stored,
        backup=copied,
    )


def _complaint(process: ProcessStatus) -> str:
    who = f"{process.name} on {process.host}" if process.host else process.name
    if process.pid is None:
        return f"{who} does not run ({process.state.lower()}); see `onestack logs {process.name}`"
    return f"{who} does not answer: {process.seen}"


def scaling_problems(run: Path) -> Iterator[str]:
    """Why scaling groups cannot reach their size; also works while services are down."""
    autoscaling = autoscaling_status.read(run)
    for group in autoscaling.get("groups", {}).values():
        for problem in group["problems"]:
            yield f"scaling group {group['name']} of project {group['project']}: {problem}"
    yield from autoscaling.get("problems", ())


def _workers(site: Site) -> tuple[list[WorkerStatus], list[str]]:
    """The workers and agents, or why they cannot be asked for."""
    # Late imports, here and below: who asks no API spares openstacksdk's memory.
    from openstack.exceptions import SDKException

    try:
        return list(worker_statuses(site)), []
    except SDKException as error:
        return [], [f"the APIs refuse: {error}"]


def worker_statuses(site: Site) -> Iterable[WorkerStatus]:
    """Nova's and Cinder's services, Neutron's agents."""
    from onestack.platform import connect
    from onestack.platform.hypervisors import out_by_itself

    admin = connect.connection(site)
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
