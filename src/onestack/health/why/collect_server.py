"""Collects what `server.diagnose` needs, from Nova, Neutron and Placement, and from their logs about the request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from openstack.connection import Connection

from onestack.capacity import Inventory
from onestack.core.errors import OneStackError
from onestack.health.why import find, records
from onestack.health.why.model import (
    Diagnosis,
    Group,
    Host,
    Port,
    Quota,
    Records,
    Request,
    ServerObservation,
)
from onestack.health.why.server import diagnose
from onestack.workloads.openstack.rest import Rest

_PLACEMENT = {"OpenStack-API-Version": "placement 1.39"}
_LOGS = ("nova", "placement")
_QUOTAS = ("instances", "cores", "ram", "server_groups", "server_group_members")
_READERS = 6


def named(admin: Connection, word: str, project: str | None = None) -> find.Row:
    """Find a server by name or id; `project` selects one of several with the same name. Raises BadInput."""
    names = find.projects(admin)
    compute = Rest(admin, "compute")
    return find.one(
        "server",
        compute.all("/servers/detail", "servers", all_tenants="1"),
        word,
        project,
        names,
        "openstack server list --all-projects",
        lambda: _used_up(compute, names, project),
    )


def explain(admin: Connection, logs: Path, word: str, project: str | None = None) -> Diagnosis:
    """Find a server, collect and diagnose. `logs`: the folder of the cloud's logs. Call it in the cloud's network
    namespace."""
    return diagnose(observe(admin, named(admin, word, project), logs))


def observe(admin: Connection, raw: Mapping[str, Any], logs: Path) -> ServerObservation:
    """Collect all that is known about a server (as Nova's API returns it) and the hosts. Raises OneStackError."""
    compute = Rest(admin, "compute")
    ident, project = raw["id"], raw["tenant_id"]
    host = raw.get("OS-EXT-SRV-ATTR:host") or ""
    fault = raw.get("fault") or {}
    request_id = _request(compute, ident)
    services = compute.all("/os-services", "services")
    read = records.records(find.read(logs, _LOGS), request_id) if request_id else Records()
    failed = raw["status"] in ("ERROR", "BUILD")
    return ServerObservation(
        id=ident,
        name=raw["name"],
        project=find.projects(admin).get(project, project),
        status=raw["status"],
        age=(datetime.now(UTC) - datetime.fromisoformat(raw["created"])).total_seconds(),
        host=host,
        task=raw.get("OS-EXT-STS:task_state") or "",
        fault=fault.get("message", ""),
        failed_at=fault.get("created", ""),
        request_id=request_id,
        zone=raw.get("pinned_availability_zone") or "",
        request=read.placement_request or _by_flavor(raw["flavor"]),
        hosts=tuple(_hosts(admin, compute, services)) if failed else (),
        group=_group(compute, ident) if failed else None,
        quotas=tuple(_quotas(compute, project)),
        ports=tuple(
            Port(port["id"], port["status"], port.get("binding:vif_type") or "")
            for port in Rest(admin, "network").all("/ports", "ports", device_id=ident)
        ),
        services_down=tuple(
            one["binary"]
            for one in services
            if one["binary"] != "nova-compute" and one["state"] != "up" and one["status"] == "enabled"
        ),
        records=read,
    )


def _request(compute: Rest, ident: str) -> str:
    """The id of the request that failed, or else of the one that created the server."""
    actions = compute.get(f"/servers/{ident}/os-instance-actions")["instanceActions"]
    failed = [one for one in actions if one.get("message") == "Error"]
    return str((failed or actions[-1:] or [{}])[0].get("request_id") or "")


def _by_flavor(flavor: Mapping[str, Any]) -> Request:
    """What a flavor requests, if the logs no longer have the request to Placement."""
    disk = flavor["disk"] + flavor["ephemeral"] + -(-flavor["swap"] // 1024)
    return Request({"VCPU": flavor["vcpus"], "MEMORY_MB": flavor["ram"], "DISK_GB": disk})


def _hosts(admin: Connection, compute: Rest, services: Iterable[Mapping[str, Any]]) -> Iterator[Host]:
    by_host = {one["host"]: one for one in services if one["binary"] == "nova-compute"}
    zones = {
        name: aggregate["availability_zone"]
        for aggregate in compute.all("/os-aggregates", "aggregates")
        if aggregate.get("availability_zone")
        for name in aggregate["hosts"]
    }
    hypervisors = compute.all("/os-hypervisors/detail", "hypervisors")

    def read(hypervisor: Mapping[str, Any]) -> Host:
        name, provider = hypervisor["service"]["host"], hypervisor["id"]
        service = by_host.get(name, {})
        return Host(
            name=name,
            zone=zones.get(name, "nova"),
            enabled=service.get("status") == "enabled",
            disabled_reason=service.get("disabled_reason") or "",
            up=service.get("state") == "up",
            forced_down=bool(service.get("forced_down")),
            inventories=_inventories(admin, provider),
            traits=frozenset(_placement(admin, f"/resource_providers/{provider}/traits").get("traits", ())),
            provider=provider,
        )

    with ThreadPoolExecutor(_READERS, thread_name_prefix="why") as pool:
        yield from sorted(pool.map(read, hypervisors), key=lambda host: (len(host.name), host.name))


def _inventories(admin: Connection, provider: str) -> dict[str, Inventory]:
    of = f"/resource_providers/{provider}"
    used = _placement(admin, f"{of}/usages").get("usages", {})
    return {
        name: Inventory(
            inventory["total"],
            inventory["reserved"],
            inventory["allocation_ratio"],
            used.get(name, 0),
            inventory["max_unit"],
        )
        for name, inventory in _placement(admin, f"{of}/inventories").get("inventories", {}).items()
    }


def _placement(admin: Connection, path: str) -> dict[str, Any]:
    answer = admin.placement.get(path, headers=_PLACEMENT)
    if answer.status_code == 404:
        return {}  # a host that Placement does not know has no inventories
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def _group(compute: Rest, ident: str) -> Group | None:
    groups = compute.all("/os-server-groups", "server_groups", all_projects="1")
    group = next((one for one in groups if ident in one["members"]), None)
    if group is None:
        return None
    members = {*group["members"]} - {ident}
    hosts: dict[str, list[str]] = {}
    for server in compute.all("/servers/detail", "servers", all_tenants="1"):
        if server["id"] in members and server.get("OS-EXT-SRV-ATTR:host"):
            hosts.setdefault(server["OS-EXT-SRV-ATTR:host"], []).append(server["name"])
    max_per_host = int((group.get("rules") or {}).get("max_server_per_host", 1))
    return Group(
        group["name"], group["policy"], {name: tuple(those) for name, those in hosts.items()}, max_per_host
    )


def _quotas(compute: Rest, project: str) -> Iterator[Quota]:
    quotas = compute.get(f"/os-quota-sets/{project}/detail")["quota_set"]
    for name in _QUOTAS:
        if name in quotas:
            yield Quota(name, quotas[name]["limit"], quotas[name]["in_use"] + quotas[name]["reserved"])


def _used_up(compute: Rest, names: Mapping[str, str], project: str | None) -> Iterator[str]:
    """The quotas that prevent the creation of a server: then there is no server to diagnose."""
    for ident, name in sorted(names.items(), key=lambda each: each[1]):
        if project not in (ident, name):
            continue
        for one in _quotas(compute, ident):
            if one.name in ("instances", "cores", "ram"):
                full = ": Nova refuses a further server before it makes one" if one.full else ""
                yield f"the project '{name}' uses {one.used} of {one.limit} {one.name}{full}"


def sentence(admin: Connection, logs: Path, ident: str) -> str:
    """The verdict on a server, by its id, for a report of a failure; empty if it cannot be determined."""
    try:
        server = Rest(admin, "compute").get(f"/servers/{ident}")["server"]
        found = diagnose(observe(admin, server, logs))
    except (OneStackError, OSError, KeyError, ValueError):
        return ""  # an error here must not hide the failure that is being reported
    return "" if found.ok else found.verdict
