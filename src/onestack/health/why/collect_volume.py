"""Collects what `volume.diagnose` needs, from Cinder and Nova, and from Cinder's log about the volume."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from onestack.health.why import collect_server, find
from onestack.health.why.model import Quota
from onestack.health.why.observations import Attachment, Backend, Target, VolumeObservation
from onestack.health.why.source import Source, age
from onestack.workloads.openstack.rest import Rest

_HOST = "os-vol-host-attr:host"
_QUOTAS = ("volumes", "gigabytes", "per_volume_gigabytes", "snapshots")
_MOST_MESSAGES = 3


def observe(source: Source, word: str, project: str | None, server: str | None = None) -> VolumeObservation:
    """The volume that is called `word` or has that id; `server`: the one that it is to be attached to.

    Raises BadInput, OneStackError.
    """
    cinder, names = source.rest("block-storage"), find.projects(source.admin)
    volume = find.one(
        "volume",
        cinder.all("/volumes/detail", "volumes", all_tenants="1"),
        word,
        project,
        names,
        "openstack volume list --all-projects",
        lambda: _used_up(cinder, names, project),
    )
    owner, place = find.of_project(volume), volume.get(_HOST) or ""
    services = cinder.all("/os-services", "services")
    messages = sorted(
        cinder.all("/messages", "messages", resource_uuid=volume["id"]),
        key=lambda each: str(each["created_at"]),
        reverse=True,
    )
    request_id = str(messages[0].get("request_id") or "") if messages else ""
    return VolumeObservation(
        id=volume["id"],
        name=volume["name"] or "",
        project=names.get(owner, owner),
        status=volume["status"],
        size=volume["size"],
        age=age(volume.get("updated_at"), volume["created_at"]),
        host=place,
        stored_on=source.stored_on(place),
        volume_type=volume.get("volume_type") or "",
        wanted_backend=_wanted_backend(cinder, volume.get("volume_type") or ""),
        zone=volume.get("availability_zone") or "",
        multiattach=bool(volume.get("multiattach")),
        attachments=tuple(
            Attachment(
                each["server_id"],
                source.servers.get(each["server_id"], {}).get("name", each["server_id"]),
                each.get("host_name") or "",
                each.get("device") or "",
            )
            for each in volume["attachments"]
        ),
        backends=tuple(_backends(services, cinder.get("/scheduler-stats/get_pools", detail="true")["pools"])),
        services_down=tuple(
            each["binary"]
            for each in services
            if each["binary"] != "cinder-volume" and each["state"] != "up" and each["status"] == "enabled"
        ),
        messages=tuple(each["user_message"] for each in messages[:_MOST_MESSAGES]),
        request_id=request_id,
        quotas=tuple(_quotas(cinder, owner)),
        errors=find.problems(source.logs, ("cinder",), (volume["id"], request_id)),
        target=_target(source, server) if server else None,
    )


def _target(source: Source, word: str) -> Target:
    found = collect_server.named(source.admin, word)
    return Target(
        found["id"],
        found["name"],
        found["status"],
        found.get("OS-EXT-SRV-ATTR:host") or "",
        found.get("OS-EXT-STS:task_state") or "",
    )


def _wanted_backend(cinder: Rest, volume_type: str) -> str:
    for each in cinder.all("/types", "volume_types", is_public="None"):
        if each["name"] == volume_type:
            return str((each.get("extra_specs") or {}).get("volume_backend_name") or "")
    return ""


def _backends(services: Iterable[Mapping[str, Any]], pools: Iterable[Mapping[str, Any]]) -> Iterator[Backend]:
    stats = {each["name"].partition("#")[0]: each.get("capabilities") or {} for each in pools}
    for service in sorted(services, key=lambda each: str(each["host"])):
        if service["binary"] != "cinder-volume":
            continue
        capabilities = stats.get(service["host"], {})
        yield Backend(
            name=service["host"],
            up=service["state"] == "up",
            enabled=service["status"] == "enabled",
            disabled_reason=service.get("disabled_reason") or "",
            backend_name=str(capabilities.get("volume_backend_name") or ""),
            zone=service["zone"],
            free=room(capabilities),
            total=_number(capabilities.get("total_capacity_gb")),
        )


def room(capabilities: Mapping[str, Any]) -> float | None:
    """The largest volume in GiB that Cinder's CapacityFilter lets into a pool; None if it is unknown or infinite."""
    total, free = (_number(capabilities.get(f"{key}_capacity_gb")) for key in ("total", "free"))
    if total is None or free is None:
        return None
    free -= total * float(capabilities.get("reserved_percentage") or 0) / 100
    ratio = _number(capabilities.get("max_over_subscription_ratio"))
    if not capabilities.get("thin_provisioning_support") or ratio is None:
        return free
    provisioned = _number(capabilities.get("provisioned_capacity_gb")) or 0.0
    return min(free * ratio, total * ratio - provisioned)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None  # "unknown", "infinite", "auto"


def _quotas(cinder: Rest, project: str) -> Iterator[Quota]:
    found = cinder.get(f"/os-quota-sets/{project}", usage="True")["quota_set"]
    for name in _QUOTAS:
        if name in found:
            yield Quota(name, found[name]["limit"], found[name]["in_use"] + found[name]["reserved"])


def _used_up(cinder: Rest, names: Mapping[str, str], project: str | None) -> Iterator[str]:
    """The quotas that prevent the creation of a volume: then there is no volume to diagnose."""
    for ident, name in sorted(names.items(), key=lambda each: each[1]):
        if project not in (ident, name):
            continue
        for one in _quotas(cinder, ident):
            if one.name in ("volumes", "gigabytes"):
                full = ": Cinder refuses a further volume before it makes one" if one.full else ""
                yield f"the project '{name}' uses {one.used} of {one.limit} {one.name}{full}"
