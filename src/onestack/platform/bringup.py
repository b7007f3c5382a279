"""Bringing a cloud up, from nothing or from anything half done. It is idempotent."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from keystoneauth1.exceptions import ClientException
from openstack.exceptions import SDKException

from onestack.core.errors import OneStackError, PermanentError
from onestack.core.events import Emit, Event, step
from onestack.core.graph import execute
from onestack.host import namespace, processes, systemd
from onestack.host.supervisor import configuration
from onestack.platform import catalogue, ceph, connect, folders, takedown, tls, watchers
from onestack.platform.graph import tasks
from onestack.platform.site import Site
from onestack.platform.stamps import stamped


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
        clusters = ceph.files(site)
        folders.write(site, catalogue.files(site.view))
        ceph.write(site, clusters)
        connect.write_clouds_yaml(site, site.paths.etc / "clouds.yaml")
        namespace.create(site.layout, isolated=site.choices.isolated)
    if site.choices.isolated:
        namespace.join_network(namespace.net_handle(site.paths))
    programs = [*map(site.program, stamped(site)), *watchers.programs(site)]
    with step("supervisor", emit):
        if site.supervisor.pid is None:
            end_orphans(site)
        site.supervisor.configure(configuration(programs, site.paths.run, site.paths.log))
        site.supervisor.start()
    failures = execute(tasks(site, image, emit), workers=12)
    if failures:
        raise first_cause(failures)
    watchers.launch(site)
    if systemd.install(site.paths, sys.executable):
        emit(Event("systemd", "noted", f"{systemd.name(site.paths)} brings the cloud back at boot"))
    systemd.begun(site.paths)


def end_orphans(site: Site) -> None:
    """End what a supervisord that was killed left running: there must be no second one. What serves tenants stays."""
    if left := processes.end(lambda: processes.of_platform(site.paths.run), seconds=20):
        raise PermanentError(f"processes that do not end: {', '.join(str(each.pid) for each in left)}")


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
