"""Smaller database queries when Neutron creates a port.

For the id of a project's default security group Neutron loads the group with all its rules; and it loads each new
port to look for a QoS policy that no port has.
"""

from __future__ import annotations

from typing import Any

from onestack_runtime.replacements.entry import Replacement, of_server


def _default_group(original: Any) -> tuple[Any, ...]:
    from neutron.objects.securitygroup import DefaultSecurityGroup

    def _get_default_sg_id(self: Any, context: Any, project_id: str) -> str | None:
        found = DefaultSecurityGroup.get_values(
            context.elevated(), "security_group_id", project_id=project_id
        )
        return found[0] if found else None

    return (_get_default_sg_id,)


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
_VALUES = "neutron.objects.base:NeutronDbObject.get_values"

ENTRIES = (
    Replacement(
        "default-group",
        (f"{_GROUPS}._get_default_sg_id",),
        _RUNNERS,
        "performance",
        "the id of a project's default security group is read without the group's rules",
        _default_group,
        of_server("2.1 ± 0.7", "1.2 ± 1.0"),
        uses=("neutron.objects.securitygroup:DefaultSecurityGroup", _VALUES),
        workers=_WORKERS,
    ),
    Replacement(
        "port-policies",
        ("neutron.services.qos.qos_plugin:QoSPlugin._validate_create_port_callback",),
        _RUNNERS,
        "performance",
        "a new port is read for its QoS policy only if some port or network has a policy",
        _policies,
        of_server("0.4 ± 0.6", "2.2 ± 1.0"),
        uses=(
            "neutron.db.qos.models:QosPortPolicyBinding",
            "neutron.db.qos.models:QosNetworkPolicyBinding",
            "neutron_lib.db.api:CONTEXT_READER",
        ),
        workers=_WORKERS,
    ),
)
