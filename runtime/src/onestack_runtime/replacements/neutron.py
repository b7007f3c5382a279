"""Smaller database queries when Neutron creates or binds a port.

For the value of one column Neutron loads a whole port, subnet or security group with all related rows, many times for
each port; and it loads whole ports to look for shared addresses and QoS policies that no port has. Together that took
a sixth of Neutron's time.
"""

from __future__ import annotations

import threading
from typing import Any

from onestack_runtime.replacements.entry import NOT_ALONE, Replacement
from onestack_runtime.serving.threads import during

SUBNET_COLUMNS = ("id", "network_id", "ip_version", "cidr", "subnetpool_id")
"""The columns of a port's subnets that are used."""
GROUP_FIELDS = ("id", "project_id", "stateful")
"""The fields of a port's security groups that are used."""


def _revision(original: Any) -> tuple[Any, ...]:
    from neutron.db import ovn_revision_numbers_db as module

    def _get_standard_attr_id(context: Any, resource_uuid: str, resource_type: str) -> int:
        model = module.STD_ATTR_MAP[resource_type]
        found = context.session.query(model.standard_attr_id).filter_by(id=resource_uuid).one_or_none()
        if found is None:
            raise module.StandardAttributeIDNotFound(resource_uuid=resource_uuid)
        return int(found.standard_attr_id)

    return (_get_standard_attr_id,)


def _default_group(original: Any) -> tuple[Any, ...]:
    from neutron.objects.securitygroup import DefaultSecurityGroup

    def _get_default_sg_id(self: Any, context: Any, project_id: str) -> str | None:
        found = DefaultSecurityGroup.get_values(
            context.elevated(), "security_group_id", project_id=project_id
        )
        return found[0] if found else None

    return (_get_default_sg_id,)


def _segment(original: Any) -> tuple[Any, ...]:
    from neutron.objects.subnet import Subnet

    def _get_ipv4_subnets_number_and_segment_id(self: Any, port: Any, context: Any) -> tuple[int, str | None]:
        subnets = self._get_ipv4_subnet_ids(port)
        found = Subnet.get_values(context, "segment_id", id=subnets[0]) if subnets else []
        return (len(subnets), found[0]) if found and found[0] else (0, None)

    return (_get_ipv4_subnets_number_and_segment_id,)


def _shared_addresses(upstream: Any) -> tuple[Any, ...]:
    from neutron.db.models.allowed_address_pair import AllowedAddressPair
    from neutron_lib.db import api as database

    def get_virtual_port_parents(context: Any, *about: Any, **named: Any) -> list[str]:
        with database.CONTEXT_READER.using(context):
            if context.session.query(AllowedAddressPair.port_id).first() is None:
                return []
        parents: list[str] = upstream(context, *about, **named)
        return parents

    return (get_virtual_port_parents,)


def _subnets(upstream_options: Any, upstream_validate: Any) -> tuple[Any, ...]:
    """A port's OVN options, and the check whether it can be bound, need few columns of its subnets."""
    from neutron.db.models_v2 import Subnet
    from neutron_lib.db import api as database

    columns = [getattr(Subnet, name) for name in SUBNET_COLUMNS]

    class Plugin:
        """Neutron's plugin, except that `get_subnets` reads SUBNET_COLUMNS only."""

        def __init__(self, plugin: Any) -> None:
            self._upstream = plugin

        def __getattr__(self, name: str) -> Any:
            return getattr(self._upstream, name)

        @database.retry_if_session_inactive()  # type: ignore[untyped-decorator]
        def get_subnets(self, context: Any, filters: dict[str, list[str]]) -> list[dict[str, Any]]:
            with database.CONTEXT_READER.using(context):
                found = context.session.query(*columns).filter(Subnet.id.in_(filters["id"]))
                return [dict(row._mapping) for row in found]

    class Client:
        """OVN's client, except that it uses that plugin."""

        def __init__(self, client: Any) -> None:
            self._upstream = client
            self._plugin = Plugin(client._plugin)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._upstream, name)

    def _get_port_options(self: Any, context: Any, port: Any) -> Any:
        return upstream_options(Client(self), context, port)

    def validate_port_binding_and_virtual_port(
        port_context: Any, ml2_plugin: Any, port: Any, original_port: Any
    ) -> None:
        upstream_validate(port_context, Plugin(ml2_plugin), port, original_port)

    return _get_port_options, validate_port_binding_and_virtual_port


def _groups(upstream_get_objects: Any, upstream_groups_on_port: Any) -> tuple[Any, ...]:
    """The check whether a port may have its security groups does not need their rules: upstream queries each rule."""
    current = threading.local()

    def get_objects(cls: Any, *args: Any, **named: Any) -> Any:
        if getattr(current, "checks_port", False):
            named.setdefault("fields", list(GROUP_FIELDS))
        return upstream_get_objects.__func__(cls, *args, **named)

    def _get_security_groups_on_port(self: Any, context: Any, port: Any) -> Any:
        with during(current, "checks_port", True):
            return upstream_groups_on_port(self, context, port)

    return classmethod(get_objects), _get_security_groups_on_port


def _policies(upstream: Any) -> tuple[Any, ...]:
    from neutron.db.qos.models import QosNetworkPolicyBinding, QosPortPolicyBinding
    from neutron_lib.db import api as database

    def _validate_create_port_callback(
        self: Any, resource: Any, event: Any, trigger: Any, payload: Any = None
    ) -> None:
        with database.CONTEXT_READER.using(payload.context):
            session = payload.context.session
            bound = (QosPortPolicyBinding.policy_id, QosNetworkPolicyBinding.policy_id)
            if all(session.query(policy).first() is None for policy in bound):
                return
        upstream(self, resource, event, trigger, payload=payload)

    return (_validate_create_port_callback,)


_RUNNERS = ("neutron",)
_WORKERS = ("api",)
_UTILS = "neutron.common.ovn.utils"
_GROUPS = "neutron.db.securitygroups_db:SecurityGroupDbMixin"
_SEGMENTS = "neutron.services.segments.plugin:NovaSegmentNotifier"
_GAIN = f"with the other queries about ports, a sixth of Neutron's time; {NOT_ALONE}"
_VALUES = "neutron.objects.base:NeutronDbObject.get_values"

ENTRIES = (
    Replacement(
        "revision-number",
        ("neutron.db.ovn_revision_numbers_db:_get_standard_attr_id",),
        _RUNNERS,
        "performance",
        "the id of a resource's standard attributes is read as one column, not with the whole resource and all its "
        "related rows",
        _revision,
        _GAIN,
        uses=(
            "neutron.db.ovn_revision_numbers_db:STD_ATTR_MAP",
            "neutron.db.ovn_revision_numbers_db:StandardAttributeIDNotFound",
        ),
        workers=_WORKERS,
    ),
    Replacement(
        "default-group",
        (f"{_GROUPS}._get_default_sg_id",),
        _RUNNERS,
        "performance",
        "the id of a project's default security group is read without the group's rules",
        _default_group,
        _GAIN,
        uses=("neutron.objects.securitygroup:DefaultSecurityGroup", _VALUES),
        workers=_WORKERS,
    ),
    Replacement(
        "port-segment",
        (f"{_SEGMENTS}._get_ipv4_subnets_number_and_segment_id",),
        _RUNNERS,
        "performance",
        "the segment of a port's first subnet is read without the subnet's other columns and related rows",
        _segment,
        _GAIN,
        uses=("neutron.objects.subnet:Subnet", _VALUES, f"{_SEGMENTS}._get_ipv4_subnet_ids"),
        workers=_WORKERS,
    ),
    Replacement(
        "shared-addresses",
        (f"{_UTILS}:get_virtual_port_parents",),
        _RUNNERS,
        "performance",
        "ports that share an address are looked for only if some port has an allowed address pair",
        _shared_addresses,
        _GAIN,
        uses=(
            "neutron.db.models.allowed_address_pair:AllowedAddressPair",
            "neutron_lib.db.api:CONTEXT_READER",
        ),
        workers=_WORKERS,
    ),
    Replacement(
        "port-subnets",
        (
            "neutron.plugins.ml2.drivers.ovn.mech_driver.ovsdb.ovn_client:OVNClient._get_port_options",
            f"{_UTILS}:validate_port_binding_and_virtual_port",
        ),
        _RUNNERS,
        "performance",
        "for a port's OVN options, five columns of its subnets are read, not the subnets with all related rows",
        _subnets,
        _GAIN,
        uses=(
            f"{_UTILS}:get_subnets_address_scopes",
            f"{_UTILS}:get_port_type_virtual_and_parents",
            "neutron_lib.db.api:retry_if_session_inactive",
            "neutron_lib.db.api:CONTEXT_READER",
            "neutron.db.models_v2:Subnet",
        ),
        workers=_WORKERS,
    ),
    Replacement(
        "port-groups",
        (
            "neutron.objects.securitygroup:SecurityGroup.get_objects",
            f"{_GROUPS}._get_security_groups_on_port",
        ),
        _RUNNERS,
        "performance",
        "the check whether a port may have its security groups does not read the groups' rules",
        _groups,
        "one query fewer for each rule of a new port's security groups (CHANGELOG); not measured alone",
        uses=(
            f"{_GROUPS}._ensure_default_security_group_on_port",
            "neutron.objects.securitygroup:SecurityGroup.is_shared_with_project",
        ),
        workers=_WORKERS,
    ),
    Replacement(
        "port-policies",
        ("neutron.services.qos.qos_plugin:QoSPlugin._validate_create_port_callback",),
        _RUNNERS,
        "performance",
        "a new port is read for its QoS policy only if some port or network has a policy",
        _policies,
        _GAIN,
        uses=(
            "neutron.db.qos.models:QosPortPolicyBinding",
            "neutron.db.qos.models:QosNetworkPolicyBinding",
            "neutron_lib.db.api:CONTEXT_READER",
        ),
        workers=_WORKERS,
    ),
)
