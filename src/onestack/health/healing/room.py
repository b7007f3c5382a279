"""Whether the guests that run now fit on the other hosts if as many are lost as `platform.healing.reserve` says.

`plan` asks it of the servers of the spec, before they are made; here it is asked of all servers, where they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from openstack.connection import Connection

from onestack.capacity import Reserve, reserve
from onestack.capacity.model import Amount, Server
from onestack.health.healing.evacuation import Guest, Nova
from onestack.platform import inventories


def amount(server: Any) -> Amount:
    """What a server takes, as Placement counts it. Pure."""
    flavor = server.flavor
    swap, ephemeral = int(flavor.swap or 0), int(flavor.ephemeral or 0)
    root = int(flavor.disk or 0) if (server.image or {}).get("id") else 0
    return int(flavor.vcpus), int(flavor.ram), root + ephemeral + math.ceil(swap / 1024)


def placed(
    found: Iterable[tuple[Any, Guest]], groups: Iterable[Any], disabled: Iterable[str]
) -> dict[str, list[Server]]:
    """The servers by host, as capacity planning has them. Those of hosts that are `disabled` stay. Pure."""
    group_of = {member: each for each in groups for member in each.member_ids or ()}
    out, result = set(disabled), dict[str, list[Server]]()
    for server, guest in found:
        host, group = server.compute_host, group_of.get(server.id)
        if not host:
            continue
        one = Server(
            tenant=str(server.project_id),
            name=str(server.name),
            amount=amount(server),
            group=(str(server.project_id), str(group.id)) if group else None,
            policy=group.policy if group else None,
            stays=bool(guest.stays) or host in out,
        )
        result.setdefault(host, []).append(one)
    return result


def of_now(admin: Connection, nova: Nova, names: Iterable[str], number: int) -> Reserve:
    """The worst loss of any `number` hosts now. `names`: of the compute hosts. Raises SDKException."""
    everyone = list(nova.everyone())
    compute: Any = admin.compute
    off = {
        str(each.host)
        for each in compute.services(binary="nova-compute")
        if each.status != "enabled" or each.state != "up"
    }
    found = inventories.hosts(admin, known={str(server.id) for server, _ in everyone})
    hosts = [each for each in inventories.called_as_hosts(admin, found, set(names)) if each.name not in off]
    groups = compute.server_groups(all_projects=True)
    there = {each.name for each in hosts}
    on = {name: content for name, content in placed(everyone, groups, off).items() if name in there}
    return reserve.worst(hosts, on, min(number, len(hosts)))
