"""Has a host's disks ready for the managed Ceph, before its daemons find them in their namespace."""

from __future__ import annotations

from onestack.host import disks, namespace
from onestack.host.disks import Taken
from onestack.platform import managed_ceph
from onestack.platform.node import Node
from onestack.platform.site import Site


def give(site: Site, node: Node) -> list[str]:
    """Take the disks that the spec gives, and give back those that it no longer does: `platform.storage_changes`
    has emptied these before. Returns the latter's paths. Raises BadInput, PermanentError."""
    view = site.view_of(node)
    wanted = view.here.disks if view.here in view.storage else ()
    for each in wanted:
        uuid = managed_ceph.osd_uuid(view, view.here.name, each)
        owner = namespace.owner(node.tree(managed_ceph.TREE))
        disks.take(node.paths, Taken(each.name, each.path, each.size, uuid), owner)
    return disks.release(node.paths, keep={each.name for each in wanted})
