"""From nothing, or from anything half done, to a cloud that works: every step does only what lacks."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from keystoneauth1.exceptions import ClientException
from openstack.exceptions import SDKException

from onestack.core import data
from onestack.core.errors import OneStackError, PermanentError
from onestack.core.events import Emit, Event, step
from onestack.core.graph import Task, execute
from onestack.core.wait import until
from onestack.host import namespace, processes, systemd
from onestack.host.command import run
from onestack.host.supervisor import Program, configuration
from onestack.platform import (
    catalogue,
    ceph,
    connect,
    databases,
    folders,
    furnish,
    lvm,
    scaling_status,
    takedown,
    tls,
    wiring,
)
from onestack.platform.parts import database, front, hypervisor, monitoring
from onestack.platform.readiness import progress, start
from onestack.platform.services import identity
from onestack.platform.shape import RUN, Process, Ready
from onestack.platform.site import PYTHON, Site

KEEPER, SCALER = "keeper", "scaler"
CONTROLLER = Process(SCALER, (), Ready(written=(f"{RUN}/{scaling_status.FILE}", 60.0)), hang_seconds=240.0)
"""How one knows that the controller of scaling groups works; slow APIs may keep it as long as they may be silent."""
AUTO = "AUTO: "
"""How Nova's reason begins where it put a host out of service itself."""


def bring_up(site: Site, image: Path, emit: Emit) -> None:
    """Bring everything up that is not. Must run in a thread that may be moved into the cloud's network.

    Raises the first cause of failure; what does not depend on it was brought up all the same.
    """
    if namespace.outdated(site.layout):
        emit(Event("release", "noted", "the release's parts changed: everything is started anew"))
        takedown.down(site.paths, emit)
    with step("folders and configuration", emit):
        folders.make(site)
        if site.tls:
            tls.ensure(site)
        files = catalogue.files(site.view, front_binds(site))
        clusters = ceph.files(site)
        folders.write(site, files)
        ceph.write(site, clusters)
        connect.write_clouds_yaml(site, site.paths.etc / "clouds.yaml")
        namespace.create(site.layout, isolated=site.choices.isolated)
    if site.choices.isolated:
        namespace.join_network(namespace.net_handle(site.paths))
    stamps = config_stamps(site, clusters)
    programs = [site.program(_stamped(process, stamps)) for process in catalogue.processes(site.view)]
    programs += [watcher(site, KEEPER, "onestack.health.keeper")]
    if scales(site):
        programs.append(watcher(site, SCALER, "onestack.controller.scaler"))
    with step("supervisor", emit):
        if site.supervisor.pid is None:
            end_orphans(site)
        site.supervisor.configure(configuration(programs, site.paths.run, site.paths.log))
        site.supervisor.start()
    failures = execute(tasks(site, image, emit), workers=12)
    if failures:
        raise first_cause(failures)
    site.supervisor.launch(KEEPER)
    if is_scaling(site):
        site.supervisor.launch(SCALER)
    if systemd.install(site.paths, sys.executable):
        emit(Event("systemd", "noted", f"{systemd.name(site.paths)} brings the cloud back at boot"))
    systemd.begun(site.paths)


def end_orphans(site: Site) -> None:
    """End what a supervisord that was killed left running: there must be no second one. What serves tenants stays."""

    def orphans() -> list[processes.Proc]:
        found = processes.of_cloud(site.paths.run)
        return [each for each in found if not each.is_guest and not each.is_balancer]

    if left := processes.end(orphans, seconds=20):
        raise PermanentError(f"processes that do not end: {', '.join(str(each.pid) for each in left)}")


def scales(site: Site) -> bool:
    """Whether this cloud can have scaling groups."""
    return site.view.services >= {"compute", "image", "network"}


def is_scaling(site: Site) -> bool:
    """Whether it has scaling groups, or had: until then nobody pays for their controller."""
    return scales(site) and (site.spec.monitored or _scaling_mark(site).exists())


def begin_scaling(site: Site) -> None:
    """There are scaling groups from now on: their controller runs, and comes back with every `up`."""
    mark = _scaling_mark(site)
    mark.parent.mkdir(mode=0o700, exist_ok=True)
    mark.touch()
    site.supervisor.launch(SCALER)


def _scaling_mark(site: Site) -> Path:
    return site.paths.etc / "scaling/begun"


def watcher(site: Site, name: str, module: str) -> Program:
    """A process of ours that looks after the others, or after scaling groups; it runs outside the namespace.

    It reads the spec's part about the platform when it starts: another one starts it anew, and so does another
    version of OneStack.
    """
    said = f"{site.spec.platform.model_dump_json()} {site.spec.monitored} {data.digest_of_code()}"
    stamp = hashlib.sha256(said.encode()).hexdigest()[:12]
    words = (sys.executable, "-m", module, str(site.paths.root), str(site.paths.cache))
    return Program(name, words, {"PYTHONUNBUFFERED": "1", "ONESTACK_CONFIG": stamp}, site.log(name))


def first_cause(failures: Mapping[str, BaseException]) -> BaseException:
    """One error for several: the first, with the names of the others."""
    name, error = next(iter(failures.items()))
    if isinstance(error, (SDKException, ClientException)):
        error = PermanentError(
            f"{name}: {error}", hint="the log of the service named has more: `onestack logs`"
        )
    others = [other for other in failures if other != name]
    if isinstance(error, OneStackError) and others:
        error.detail = "\n".join(filter(None, [error.detail, f"failed too: {', '.join(others)}"]))
    return error


def front_binds(site: Site) -> list[str]:
    """What the front listens on, in HAProxy's words."""
    listen = site.spec.platform.listen
    address = f"[{listen.address}]" if ":" in str(listen.address) else str(listen.address)
    plain = f"{address}:{listen.port}"
    return [f"{plain} ssl crt /etc/onestack/tls/front.pem alpn http/1.1" if site.tls else plain]


def config_stamps(site: Site, clusters: Mapping[str, str] | None = None) -> dict[str, str]:
    """For each process, digits that change with the configuration it reads: it is started anew when they do.

    `clusters`: the files about Ceph, which several read.
    """

    def digits(files: Mapping[str, str]) -> str:
        return hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:12]

    view = site.view
    endpoints = catalogue.endpoints(view.services)
    stamps = {
        database.NAME: digits(database.files(view)),
        "front": digits(
            {
                **front.files(view, endpoints, front_binds(site)),
                # A new certificate is read at a start only.
                "certificate": (site.paths.etc / "tls/front.pem").read_text() if site.tls else "",
            }
        ),
        hypervisor.LOGGER: digits(hypervisor.files(view)),
        hypervisor.NAME: digits({**hypervisor.files(view), **(clusters or {})}),
        monitoring.NAME: digits(
            {"config": monitoring.settings(view), "command": _words(monitoring.processes(view))}
        ),
    }
    for service in catalogue.services(view.services):
        for process in service.processes(view):
            read = clusters if service.type == "block-storage" else None
            stamps[process.name] = digits({**service.files(view), **(read or {})})
    return stamps


def _words(processes: Sequence[Process]) -> str:
    return repr([each.command for each in processes])


def _stamped(process: Process, stamps: Mapping[str, str]) -> Process:
    if process.name not in stamps:
        return process
    return replace(process, environment={**process.environment, "ONESTACK_CONFIG": stamps[process.name]})


def tasks(site: Site, image: Path, emit: Emit) -> list[Task]:
    """The graph: parts, databases, keystone and its catalogue, everything else, what the cloud is furnished with."""
    view = site.view
    found: list[Task] = []

    def install_database() -> None:
        databases.install(site)

    def store() -> Path:
        return site.paths.release(view.series)

    extra: dict[str, tuple[str, ...]] = {
        database.NAME: ("database files",),
        "ovsdb": ("switch files",),
        "ovs-vswitchd": ("switch settings",),
        "ovn-controller": ("external",),
        monitoring.NAME: ("monitoring files",),
    }
    if view.monitoring:
        found.append(Task("monitoring files", lambda: folders.write_monitoring(site)))
    found.append(Task("ceph", lambda: ceph.demand_answer(site, emit)))
    found.append(Task("volume groups", lambda: lvm.demand_groups(site, emit)))
    found.append(Task("database files", install_database))
    found.append(Task("databases", lambda: databases.prepare(site, emit, store()), (database.NAME,)))
    if "network" in view.services:
        found.append(Task("switch files", lambda: wiring.make_databases(site)))
        found.append(Task("switch settings", lambda: wiring.configure(site), ("ovsdb",)))
        found.append(Task("external", lambda: wiring.join_external(site, emit), ("ovs-vswitchd",)))
    for service in catalogue.services(view.services):
        for process in service.processes(view):
            # All at once: what needs Keystone or Placement asks again until they answer.
            first = ("bootstrap",) if service.type == "identity" else ()
            pools = ("ceph", "volume groups") if service.type == "block-storage" else ()
            extra[process.name] = ("databases", "front", *first, *pools)

    def bootstrap() -> None:
        bootstrap_identity(site, emit)

    found.append(Task("bootstrap", bootstrap, ("databases",)))
    everything = catalogue.processes(view)
    for process in everything:
        needs = (*process.needs, *extra.get(process.name, ()))
        found.append(Task(process.name, lambda p=process: start(site, p, emit), needs))  # type: ignore[misc]
    names = [process.name for process in everything]
    for name, (needed, body) in furnish.steps(site, image, emit).items():
        of = [each.name for s in catalogue.services({"identity", needed}) for each in s.processes(view)]
        found.append(Task(f"furnish {name}", body, ("front", *of)))
    if "compute" in view.services:
        found.append(Task("hypervisors", lambda: hypervisors_up(site, emit), tuple(names)))
    return found


def bootstrap_identity(site: Site, emit: Emit) -> None:
    """Give Keystone its administrator, service users and catalogue, once for each content of those."""
    wanted = json.dumps(identity.wanted(site.view, catalogue.services(site.view.services)), sort_keys=True)
    marker = databases.bootstrap_marker(site)
    stamp = hashlib.sha256(wanted.encode()).hexdigest()
    if marker.exists() and marker.read_text() == stamp:
        return
    with step("administrator and catalogue", emit):
        run(
            site.enter(identity.bootstrap()),
            seconds=120,
            patient=True,
            text_in=wanted,
            environment=PYTHON,
            inherit=False,
            log=site.log("bootstrap"),
        )
        marker.write_text(stamp)


def out_by_itself(disabled_reason: str | None) -> str:
    """Why Nova itself gives a host no servers, from the reason its service is disabled for; "" if it does not."""
    reason = disabled_reason or ""
    return reason.removeprefix(AUTO) if reason.startswith(AUTO) else ""


def hypervisors_up(site: Site, emit: Emit) -> None:
    """Wait until Nova sees its hypervisors and Neutron its agents: before that no server can start."""
    admin = connect.connection(site)
    wanted = max(1, site.view.fake_hosts)

    def look() -> tuple[bool, str]:
        up = [each for each in admin.compute.hypervisors() if each.state == "up"]
        agents = [agent for agent in admin.network.agents() if agent.agent_type != "fake"]
        dead = [agent.agent_type for agent in agents if not agent.is_alive]
        # Nova takes a host out of service while libvirtd is away; what a person took out stays so.
        out = [each.host for each in admin.compute.services() if out_by_itself(each.disabled_reason)]
        seen = f"{len(up)} of {wanted} hypervisors up, {len(agents)} network agents, dead: {dead or 'none'}"
        if out:
            seen += f", out of service by themselves: {', '.join(out)}"
        return len(up) >= wanted and bool(agents) and not dead and not out, seen

    with step("hypervisor", emit) as at:
        at.outcome = until(
            "the hypervisor and the network agents",
            look,
            seconds=90,
            every=0.3,
            where=site.log("nova"),
            working=progress(site),
        )
