"""What a spec says of an existing server: the way back of `onestack.workloads.resources.server`."""

from __future__ import annotations

from typing import Any

from onestack.autoscaling import record
from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.existing import Existing, Unsayable, without_none
from onestack.workloads.kind.nics import nics
from onestack.workloads.plan.model import Observed
from onestack.workloads.plan.values import UNKNOWN, Address, Ref
from onestack.workloads.resources.attachment import ROOT
from onestack.workloads.resources.floating_ip import network_of_own
from onestack.workloads.resources.port import groups_of
from onestack.workloads.resources.server_healing import told

ZONE_FIELD = "OS-EXT-AZ:availability_zone"
USER_DATA = "OS-EXT-SRV-ATTR:user_data"
STATES = {"ACTIVE": "running", "SHUTOFF": "stopped"}


class ToldServers(Kind):
    """The base of the kind `server`. It has no name of its own, and so is no kind."""

    def of_section(self, there: Existing, tenant: Address | None) -> list[Observed]:
        # Members of a scaling group are the autoscaler's.
        listed = super().of_section(there, tenant)
        return [one for one in listed if record.GROUP not in one.fields["metadata"]]

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        fields, here = one.fields, one.address.path[:-1]
        if fields["state"] not in STATES.values():
            there.comment(one, f"it is {fields['state']}; applying this file starts it")
        ports = nics(one, there)
        with_server = [port for port, said_here in ports if said_here]
        zone = fields[ZONE_FIELD]
        metadata, healing = told(fields["metadata"])
        attached = [Ref(volume) for volume, *_ in there.links("volume attachment", one.address)]
        return without_none(
            name=one.address.path[-1],
            flavor=there.name(fields["flavor"], here),
            networks=[_nic(port, there, said_here) for port, said_here in ports],
            security_groups=groups_of(with_server[0], there) if with_server else None,
            floating_ip=network_of_own(one, there),
            keypair=_keypair(one, there),
            server_group=_server_group(one, there),
            volumes=there.names(attached, here),
            user_data=_user_data(one, there),
            metadata=metadata,
            healing=healing,
            zone=zone if zone not in ("", "nova") else None,
            config_drive=bool(there.raw(one).get("config_drive")),
            state=fields["state"] if fields["state"] in STATES.values() else None,
            description=fields["description"] or None,
            **_origin(one, there),
        )


def _nic(port: Observed, there: Existing, said_here: bool) -> dict[str, Any]:
    here, addresses = port.address.path[:-1], port.fields["fixed_ips"] or ()
    if not said_here:
        return {"port": there.name(Ref(port.address), here)}
    network = {"network": there.name(port.fields["network_id"], here)}
    return network | ({"address": addresses[0]["ip_address"]} if there.addresses and addresses else {})


def _origin(one: Observed, there: Existing) -> dict[str, str]:
    here = one.address.path[:-1]
    if one.fields["image"]:
        return {"image": there.name(one.fields["image"], here)}
    for volume in there.inside("volume", Address("tenant", here)):
        for at in there.raw(volume)["attachments"]:
            if at.get("server_id") == one.id and at.get("device") in ROOT:
                return {"boot_volume": there.name(Ref(volume.address), here)}
    raise Unsayable("it boots from a volume that is not there")


def _server_group(one: Observed, there: Existing) -> str | None:
    for group in there.inside("server group", Address("tenant", one.address.path[:-1])):
        if one.id in there.raw(group).get("members", ()):
            return group.address.path[-1]
    return None


def _keypair(one: Observed, there: Existing) -> str | None:
    key = one.fields["key_name"]
    if isinstance(key, Ref) and there.get(key.address):
        return there.name(key, one.address.path[:-1])
    if key:
        there.comment(one, f"not said: the key pair {key}, which is a user's own")
    return None


def _user_data(one: Observed, there: Existing) -> str | None:
    data = one.fields[USER_DATA]
    if data is UNKNOWN:
        there.warn("the user data of servers is not in the file: only administrators may read it")
    elif data and (data == there.raw(one)[USER_DATA] or data.startswith("file:")):
        there.comment(one, "not said: its user data, which is no text")
    elif data:
        return str(data)
    return None
