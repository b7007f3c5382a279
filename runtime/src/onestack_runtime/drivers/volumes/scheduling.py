"""Nova's scheduler places a server on the host that stores its volumes, where only that host can use them.

A filter of Nova's own kind, named by its options `available_filters` and `enabled_filters`. It knows the volumes that
a server is created with, those of a server that moves, and one that a scheduler hint names because it is attached
later.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from nova import context as contexts
from nova import exception, objects
from nova.scheduler import filters as upstream
from nova.scheduler import utils
from nova.volume import cinder

from onestack_runtime import contract
from onestack_runtime.drivers.volumes import place

LOG = logging.getLogger(__name__)
_HOST = "os-vol-host-attr:host"
"""Cinder's name, for administrators, of the service that has a volume: HOST@BACKEND#POOL."""


def filters() -> list[type]:
    """Nova's own filters and this one."""
    return [*upstream.all_filters(), LocalVolumeFilter]


class LocalVolumeFilter(upstream.BaseHostFilter):  # type: ignore[misc]
    """Only the host that stores the server's volumes, if there is one."""

    def filter_all(self, filter_obj_list: Iterable[Any], spec_obj: Any) -> list[Any]:
        """The hosts that may take the server. Raises NoValidHost, which is what the server's user will read."""
        candidates = list(filter_obj_list)
        if utils.request_is_rebuild(spec_obj):
            return candidates
        wanted = _hosts(spec_obj)
        left = [each for each in candidates if wanted <= {each.host}]
        # Of several servers, the first may have claimed their resources: Nova releases them if no host is left, and
        # not after an exception.
        single = "num_instances" in spec_obj and spec_obj.num_instances == 1
        if not left and len(wanted) == 1 and single:
            (host,) = wanted
            leaving = "ignore_hosts" in spec_obj and host in (spec_obj.ignore_hosts or ())
            reason = place.stays(host) if leaving else place.no_room(host)
            LOG.info("%s (server %s)", reason, spec_obj.instance_uuid)
            raise exception.NoValidHost(reason=reason)
        return left


def _hosts(spec: Any) -> set[str]:
    """The hosts that store volumes which the server of a RequestSpec uses."""
    backends = place.hosts()
    if not any(backends.values()):
        return set()
    admin = contexts.get_admin_context()
    hinted: list[str] = []
    requested = _requested(admin, spec.instance_uuid)
    if requested is not None and "scheduler_hints" in spec:
        # Nova keeps hints; of a server that exists only what it has counts.
        hinted = (spec.scheduler_hints or {}).get(contract.VOLUME_HINT, [])
    found = _existing(admin, spec.instance_uuid) if requested is None else requested
    mappings = [each for each in found if each.is_volume]
    if len({*backends.values()}) == 1:
        return {*backends.values()} if hinted or mappings else set()
    try:
        hosts = {backends.get(each, "") for each in _backends(admin, backends, hinted, mappings)}
    except Exception:
        # Whatever is wrong with Cinder shows at the attachment, and Cinder itself refuses a wrong host.
        LOG.warning("Cinder does not say where the volumes of %s are", spec.instance_uuid, exc_info=True)
        return set()
    return hosts - {""}


def _requested(admin: Any, server: str) -> list[Any] | None:
    """The block device mappings of a server that is to be built; None if it exists already."""
    try:
        return list(objects.BuildRequest.get_by_instance_uuid(admin, server).block_device_mappings)
    except exception.BuildRequestNotFound:
        return None


def _existing(admin: Any, server: str) -> list[Any]:
    """The block device mappings of a server that exists."""
    try:
        mapping = objects.InstanceMapping.get_by_instance_uuid(admin, server)
    except exception.InstanceMappingNotFound:
        return []
    if mapping.cell_mapping is None:
        return []
    with contexts.target_cell(admin, mapping.cell_mapping) as cell:
        return list(objects.BlockDeviceMappingList.get_by_instance_uuid(cell, server))


def _backends(
    admin: Any, known: Iterable[str], hinted: Iterable[str], mappings: Iterable[Any]
) -> Iterator[str]:
    """The backends of the volumes: those that exist, and those that nova-compute will create."""
    client = cinder.cinderclient(admin)

    def of_volume(ident: str) -> str:
        service: str = getattr(client.volumes.get(ident), _HOST, "") or ""
        return service.partition("@")[2].partition("#")[0]

    for ident in hinted:
        yield of_volume(ident)
    for each in mappings:
        if each.volume_id:
            yield of_volume(each.volume_id)
        elif each.source_type == "snapshot":
            yield of_volume(client.volume_snapshots.get(each.snapshot_id).volume_id)
        elif each.volume_type is None:
            yield next(iter(known))
        elif each.volume_type in known:
            yield each.volume_type
        else:
            yield client.volume_types.get(each.volume_type).extra_specs.get("volume_backend_name", "")
