"""A filter of Nova's scheduler: a server with a volume that is on one host is moved to no other one.

Without it Nova would move the server first, and Cinder refuse the volume afterwards: the server would be in ERROR.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from nova import context as nova_context
from nova import exception, objects
from nova.scheduler import filters
from nova.scheduler import utils as scheduler_utils
from oslo_log import log

from onestack_runtime import contract

LOG = log.getLogger(__name__)
LOCAL = (contract.FILE_PROTOCOL, contract.LOGICAL_PROTOCOL)


def every() -> list[type]:
    """The filters that the scheduler may use: `[filter_scheduler] available_filters`."""
    return [*filters.all_filters(), LocalVolumesFilter]


class LocalVolumesFilter(filters.BaseHostFilter):  # type: ignore[misc]
    """Passes only the server's own host if one of its volumes is on a host."""

    def filter_all(self, filter_obj_list: Iterable[Any], spec_obj: Any) -> Iterator[Any]:
        # Asked once for all hosts.
        own = None if scheduler_utils.request_is_rebuild(spec_obj) else bound_to(spec_obj)
        for each in filter_obj_list:
            if own is None or each.host == own:
                yield each


def bound_to(spec: Any) -> str | None:
    """The only host on which a server can be, or None."""
    uuid = spec.instance_uuid
    context = nova_context.get_admin_context()
    try:
        cell = objects.InstanceMapping.get_by_instance_uuid(context, uuid).cell_mapping
    except exception.InstanceMappingNotFound:
        return None
    # A new server is in no cell yet.
    if cell is None:
        return None
    with nova_context.target_cell(context, cell) as inside:
        disks = objects.BlockDeviceMappingList.get_by_instance_uuid(inside, uuid)
        if not any(is_local(disk.connection_info) for disk in disks if disk.is_volume):
            return None
        host = objects.Instance.get_by_uuid(inside, uuid).host
    LOG.info(
        "Server %s uses a volume that is stored on its host %s, and cannot be moved to another", uuid, host
    )
    return str(host) if host else None


def is_local(connection_info: str | None) -> bool:
    """Whether a volume's connection information, JSON, is that of a volume on one host."""
    try:
        found = json.loads(connection_info or "{}")
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("driver_volume_type") in LOCAL
