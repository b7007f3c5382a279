"""The task graph of the bring-up: a task for each process and step of each host, and for each of a cloud's initial
resources.

Its edges are the dependencies in the declarations. Tasks are named `process@host`; each runs as soon as its
dependencies are done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from onestack.core.errors import PermanentError
from onestack.core.events import Emit, step
from onestack.core.graph import Task, on_each
from onestack.platform import catalogue, databases, hypervisors, initial_resources, layout, zones
from onestack.platform.hosts.work import Here, HostWork
from onestack.platform.infrastructure import gateway, mariadb
from onestack.platform.layout import at, resolve
from onestack.platform.markers import BOOTSTRAP, Markers
from onestack.platform.services import identity
from onestack.platform.services._common import DATABASES
from onestack.platform.shape import Form, Need, Process, Step, leader
from onestack.platform.site import Site
from onestack.platform.view import View


def tasks(site: Site, hosts: Sequence[HostWork], image: Path, emit: Emit) -> list[Task]:
    """The graph. `hosts`: those hosts of the cloud that can be reached; this one is the leader.

    Services that need Keystone or Placement do not wait for them here: they retry by themselves.
    """
    view, lead = site.view, site.leader
    store, markers = lead.paths.release(view.cloud.series), Markers(lead)
    views = {each.here.name: each for each in layout.views(view)}
    present = [each.name for each in hosts]
    processes = {name: found for name, found in layout.assign(view).items() if name in present}
    steps = {name: layout.steps(views[name]) for name in processes}
    there = {
        name: [*(each.name for each in processes[name]), *(each.name for each in steps[name])]
        for name in processes
    }

    def names(needs: tuple[Need, ...], here: str = lead.name) -> tuple[str, ...]:
        return resolve(needs, here, lead.name, there)

    found = []
    for name, form, members in catalogue.formed(view):
        asked = [host for host in hosts if host.name in members]
        found.append(
            Task(
                at(Form.task(name), lead.name),
                partial(form_cluster, name, form, asked, lead.name, emit, members),
                names(form.needs),
            )
        )
    found += [
        Task(
            at(DATABASES, lead.name),
            partial(databases.prepare, site, lead, markers, store, emit),
            names(leader(*mariadb.serving(view))),
        ),
        Task(
            at(identity.BOOTSTRAP, lead.name),
            partial(bootstrap_identity, site, markers, emit),
            names(leader(DATABASES)),
        ),
    ]
    turns = in_turn(view, present)
    for host in hosts:
        found += [
            Task(at(each.name, host.name), partial(host.step, each.name, emit), names(each.needs, host.name))
            for each in steps[host.name]
        ]
        found += [
            Task(
                at(each.name, host.name),
                partial(host.start, each.name, emit),
                (*names(each.needs, host.name), *turns.get(at(each.name, host.name), ())),
            )
            for each in processes[host.name]
        ]
    for name, (needed, body) in initial_resources.steps(site, markers, image, emit).items():
        of = [each.name for s in catalogue.services({"identity", needed}) for each in s.processes(view)]
        found.append(Task(at(f"create {name}", lead.name), body, names(leader(DATABASES, gateway.NAME, *of))))
    if "compute" in view.cloud.services:
        everything = tuple(
            Need(name, "all")
            for name in dict.fromkeys(each.name for row in processes.values() for each in row)
        )
        found.append(
            Task(
                at("hypervisors", lead.name),
                partial(hypervisors.wait_up, site, present, emit),
                names(everything),
            )
        )
        found.append(
            Task(
                at(zones.STEP, lead.name), partial(zones.ensure, site, emit), (at("hypervisors", lead.name),)
            )
        )
    return found


def in_turn(view: View, present: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """For each start of a process whose members join one after another, but the first: the tasks that come before.

    That is the start before it, and the databases: a member that gives another one its data blocks their migrations.
    `present`: the names of the hosts that can be reached, the leader first. Pure.
    """
    return {
        at(form.in_turn, name): (at(form.in_turn, before), at(DATABASES, view.cloud.leader))
        for _, form, members in catalogue.formed(view)
        if form.in_turn
        for before, name in pairwise(name for name in present if name in members)
    }


def own_tasks(site: Site, emit: Emit) -> list[Task]:
    """The tasks of this host alone, after a boot or a failure: its processes themselves wait for other hosts."""
    here = Here(site)
    steps, processes = layout.steps(site.view), layout.processes(site.view)
    names = {*(each.name for each in steps), *(each.name for each in processes)}

    def needs(of: Step | Process) -> tuple[str, ...]:
        return tuple(each.name for each in of.needs if each.where == "local" and each.name in names)

    return [
        *(Task(each.name, partial(here.step, each.name, emit), needs(each)) for each in steps),
        *(Task(each.name, partial(here.start, each.name, emit), needs(each)) for each in processes),
    ]


def form_cluster(
    service: str,
    form: Form,
    hosts: Sequence[HostWork],
    lead: str,
    emit: Emit,
    members: Collection[str],
) -> None:
    """Have the members of an infrastructure service on `hosts` be one cluster, unless they are.

    `members`: the names of all hosts with a member, those included that cannot be reached. Raises PermanentError
    where too few are reached to begin one: the others may have newer data.
    """
    states: dict[str, str] = {}

    def collect(host: HostWork) -> None:
        states[host.name] = host.state(service)

    on_each(hosts, collect)
    chosen = form.choose(states, lead)
    if chosen is None:
        return
    away = sorted({*members} - {host.name for host in hosts})
    if away and (form.whole or len(hosts) <= len(members) // 2):
        there = ", ".join(f"{name} ({state or 'nothing'})" for name, state in sorted(states.items()))
        raise PermanentError(
            f"{service}: {len(hosts)} of {len(members)} hosts are reached: the others may have newer data",
            detail=f"what they have: {there}",
            hint=f"bring {', '.join(away)} back, and run `onestack up` again",
        )
    with step(form.task(service), emit) as at_:
        at_.outcome = f"begun on {chosen}"
        next(host for host in hosts if host.name == chosen).begin(service, emit)


def bootstrap_identity(site: Site, markers: Markers, emit: Emit) -> None:
    """Create Keystone's administrator, service users and catalogue, unless they are unchanged since the last time."""
    wanted = json.dumps(
        identity.wanted(site.view, catalogue.services(site.view.cloud.services)), sort_keys=True
    )
    # With rules for logins the cloud's own users are exempt from some of them.
    rules = json.dumps(site.view.cloud.logins, sort_keys=True) if any(site.view.cloud.logins.values()) else ""
    stamp = hashlib.sha256((wanted + rules).encode()).hexdigest()
    if markers.known.get(BOOTSTRAP) == stamp:
        return
    with step("administrator and catalogue", emit):
        site.leader.inside(identity.bootstrap(), seconds=120, text_in=wanted, patient=True, log="bootstrap")
        markers.write(BOOTSTRAP, stamp)
