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
from onestack.platform import ceph, connect, folders, layout, takedown, tls, watchers
from onestack.platform.graph import tasks
from onestack.platform.node import Node
from onestack.platform.site import Site
from onestack.platform.stamps import stamped


def bring_up(site: Site, image: Path, emit: Emit) -> None:
    """Bring everything up that is not.

    Raises the first cause of failure; what does not depend on it was brought up nevertheless.
    """
    for node in site.nodes:
        prepare(site, node, emit)
    failures = execute(tasks(site, image, emit), workers=12)
    if failures:
        raise first_cause(failures, alone=len(site.nodes) == 1)
    watchers.launch(site)
    for node in site.nodes:
        if systemd.install(node.paths, sys.executable):
            emit(Event("systemd", "noted", f"{systemd.name(node.paths)} brings the cloud back at boot"))
        systemd.begun(node.paths)


def prepare(site: Site, node: Node, emit: Emit) -> None:
    """Have what processes need on a node: folders, configuration, namespaces, and a supervisor that knows them."""
    if namespace.outdated(node.layout):
        emit(Event("release", "noted", "the release's packages changed: all processes are restarted"))
        takedown.down(node.paths, emit)
    with step("folders and configuration", emit):
        folders.make(site, node)
        if site.tls:
            tls.ensure(site)
        clusters = ceph.files(site)
        folders.write(node, layout.files(site.view_of(node)))
        ceph.write(site, clusters)
        if site.view_of(node).control:
            # It has the administrator's password.
            connect.write_clouds_yaml(site, node.paths.etc / "clouds.yaml")
        namespace.create(node.layout, isolated=node.choices.isolated)
    programs = list(map(node.program, stamped(site, node)))
    if node is site.leader:
        programs += watchers.programs(site)
    with step("supervisor", emit):
        if node.supervisor.pid is None:
            end_orphans(node)
        node.supervisor.configure(configuration(programs, node.paths.run, node.paths.log))
        node.supervisor.start()


def end_orphans(node: Node) -> None:
    """End what a supervisord that was killed left running: there must be no second one. What serves tenants stays."""
    if left := processes.end(lambda: processes.of_platform(node.paths.run), seconds=20):
        raise PermanentError(f"processes that do not end: {', '.join(str(each.pid) for each in left)}")


def first_cause(failures: Mapping[str, BaseException], *, alone: bool = True) -> BaseException:
    """One error for several: the first, with the names of the others.

    `alone`: the cloud has one host, whose name is left out.
    """
    named = {(key.partition("@")[0] if alone else key): error for key, error in failures.items()}
    name, error = next(iter(named.items()))
    if isinstance(error, (SDKException, ClientException)):
        error = PermanentError(
            f"{name}: {error}", hint="the log of the service named has more: `onestack logs`"
        )
    others = [other for other in named if other != name]
    if isinstance(error, OneStackError) and others:
        error.detail = "\n".join(filter(None, [error.detail, f"failed too: {', '.join(others)}"]))
    return error
