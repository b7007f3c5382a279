"""The order in which a cloud comes up: a task for each process and step of each host, and what the cloud is furnished
with.

It follows from what declarations say that they need. Tasks are called `process@host`, and run in parallel, each as
soon as what it needs is done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from onestack.core.events import Emit, step
from onestack.core.graph import Task
from onestack.platform import catalogue, databases, hypervisors, initial_resources, layout
from onestack.platform.hosts.work import Here, HostWork
from onestack.platform.infrastructure import gateway, mariadb
from onestack.platform.layout import at, resolve
from onestack.platform.markers import BOOTSTRAP, Markers
from onestack.platform.services import identity
from onestack.platform.services._common import DATABASES
from onestack.platform.shape import Need, Process, Step, leader
from onestack.platform.site import Site


def tasks(site: Site, hosts: Sequence[HostWork], image: Path, emit: Emit) -> list[Task]:
    """The graph. `hosts`: all of the cloud's, the leader, which is this one, among them.

    What needs Keystone or Placement is started beside them: it asks again until they answer.
    """
    view, lead = site.view, site.leader
    store, markers = lead.paths.release(view.cloud.series), Markers(lead)
    views = {each.here.name: each for each in layout.views(view)}
    processes = layout.assign(view)
    steps = {name: layout.steps(each) for name, each in views.items()}
    there = {
        name: [*(each.name for each in processes[name]), *(each.name for each in steps[name])]
        for name in processes
    }

    def names(needs: tuple[Need, ...], here: str = lead.name) -> tuple[str, ...]:
        return resolve(needs, here, lead.name, there)

    found = [
        Task(
            at(DATABASES, lead.name),
            partial(databases.prepare, site, lead, markers, store, emit),
            names(leader(mariadb.NAME)),
        ),
        Task(
            at(identity.BOOTSTRAP, lead.name),
            partial(bootstrap_identity, site, markers, emit),
            names(leader(DATABASES)),
        ),
    ]
    for host in hosts:
        found += [
            Task(at(each.name, host.name), partial(host.step, each.name, emit), names(each.needs, host.name))
            for each in steps[host.name]
        ]
        found += [
            Task(at(each.name, host.name), partial(host.start, each.name, emit), names(each.needs, host.name))
            for each in processes[host.name]
        ]
    for name, (needed, body) in initial_resources.steps(site, markers, image, emit).items():
        of = [each.name for s in catalogue.services({"identity", needed}) for each in s.processes(view)]
        found.append(
            Task(at(f"create {name}", lead.name), body, names(leader(DATABASES, gateway.NAME, *of)))
        )
    if "compute" in view.cloud.services:
        everything = tuple(
            Need(name, "all")
            for name in dict.fromkeys(each.name for row in processes.values() for each in row)
        )
        found.append(
            Task(at("hypervisors", lead.name), partial(hypervisors.wait_up, site, emit), names(everything))
        )
    return found


def own_tasks(site: Site, emit: Emit) -> list[Task]:
    """What this host has to do by itself, after a boot or a fault: other hosts are waited for by its processes."""
    here = Here(site)
    steps, processes = layout.steps(site.view), layout.processes(site.view)
    names = {*(each.name for each in steps), *(each.name for each in processes)}

    def needs(of: Step | Process) -> tuple[str, ...]:
        return tuple(each.name for each in of.needs if each.where == "local" and each.name in names)

    return [
        *(Task(each.name, partial(here.step, each.name, emit), needs(each)) for each in steps),
        *(Task(each.name, partial(here.start, each.name, emit), needs(each)) for each in processes),
    ]


def bootstrap_identity(site: Site, markers: Markers, emit: Emit) -> None:
    """Give Keystone its administrator, service users and catalogue, once for each content of those."""
    wanted = json.dumps(
        identity.wanted(site.view, catalogue.services(site.view.cloud.services)), sort_keys=True
    )
    stamp = hashlib.sha256(wanted.encode()).hexdigest()
    if markers.known.get(BOOTSTRAP) == stamp:
        return
    with step("administrator and catalogue", emit):
        site.leader.inside(identity.bootstrap(), seconds=120, text_in=wanted, patient=True, log="bootstrap")
        markers.write(BOOTSTRAP, stamp)
