"""Prepares a host for its processes, before the first of them is started."""

from __future__ import annotations

from functools import partial

from onestack.core.errors import PermanentError
from onestack.core.events import Emit, Event, step
from onestack.host import namespace, processes
from onestack.host.supervisor import configuration
from onestack.platform import ceph, connect, disks, folders, layout, takedown, tls, watchers
from onestack.platform.node import Node
from onestack.platform.site import Site
from onestack.platform.stamps import stamped


def prepare(site: Site, emit: Emit) -> None:
    """Create what processes need on this host: folders, configuration, namespaces, and a supervisord that is
    configured for them."""
    node = site.here
    if namespace.outdated(node.layout):
        emit(Event("release", "noted", "the release's packages changed: all processes are restarted"))
        takedown.down(node.paths, emit)
    for name in filter(partial(_outdated, node), namespace.trees(node.paths)):
        takedown.leave_tree(node.paths, name, emit)
    with step("folders and configuration", emit) as at:
        folders.make(site, node)
        for gone in disks.give(site, node):
            at.note(f"the disk {gone} is no longer Ceph's")
        if site.leads and site.tls:
            tls.ensure(site)
        clusters = ceph.files(site)
        folders.write(node, layout.files(site.view))
        ceph.write(site, clusters)
        if site.leads:
            connect.write_clouds_yaml(site, node.paths.etc / "clouds.yaml")
        for each in (node.layout, *node.beside.values()):
            namespace.create(each, isolated=node.choices.isolated)
    programs = [*map(node.program, stamped(site, node)), *watchers.programs(site)]
    with step("supervisor", emit):
        if node.supervisor.pid is None:
            end_orphans(node)
        to_syslog = site.spec.platform.monitoring.syslog
        node.supervisor.configure(configuration(programs, node.paths.run, node.paths.log, syslog=to_syslog))
        node.supervisor.start()


def _outdated(node: Node, tree: str) -> bool:
    """Whether the namespace of a tree beside the base is no longer what the host needs, or is not needed at all."""
    return tree not in node.beside or namespace.outdated(node.beside[tree])


def end_orphans(node: Node) -> None:
    """End processes that a killed supervisord left running, since none may run twice. Guests and balancers stay."""
    if left := processes.end(lambda: processes.of_platform(node.paths.run), seconds=20):
        raise PermanentError(f"processes that do not end: {', '.join(str(each.pid) for each in left)}")
