"""The order in which a cloud comes up: a task for each process, each step, and what the cloud is furnished with.

It follows from what declarations say that they need. Tasks run in parallel, each as soon as what it needs is done.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path

from onestack.core.events import Emit, step
from onestack.core.graph import Task
from onestack.host.command import run
from onestack.platform import catalogue, databases, furnish, hypervisors
from onestack.platform.infrastructure import gateway, mariadb
from onestack.platform.readiness import start
from onestack.platform.services import identity
from onestack.platform.site import PYTHON, Site

DATABASES = "databases"


def tasks(site: Site, image: Path, emit: Emit) -> list[Task]:
    """The graph. What needs Keystone or Placement is started beside them: it asks again until they answer."""
    view = site.view
    store = site.paths.release(view.series)
    found = [
        Task(DATABASES, partial(databases.prepare, site, emit, store), (mariadb.NAME,)),
        Task(identity.BOOTSTRAP, partial(bootstrap_identity, site, emit), (DATABASES,)),
    ]
    found += [Task(each.name, partial(each.run, site, emit), each.needs) for each in catalogue.steps(view)]
    everything = catalogue.processes(view)
    found += [Task(each.name, partial(start, site, each, emit), each.needs) for each in everything]
    for name, (needed, body) in furnish.steps(site, image, emit).items():
        of = [each.name for s in catalogue.services({"identity", needed}) for each in s.processes(view)]
        found.append(Task(f"furnish {name}", body, (gateway.NAME, *of)))
    if "compute" in view.services:
        names = tuple(each.name for each in everything)
        found.append(Task("hypervisors", partial(hypervisors.wait_up, site, emit), names))
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
