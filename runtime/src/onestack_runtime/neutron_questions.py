"""What Neutron asks its database about each port, in as few words as the answer needs.

To learn one column it reads a whole port or group with all that belongs to it, several times for each port that is
made or bound; and it looks for ports that share an address also where no port may. Together that was a tenth of its
time.
"""

from __future__ import annotations

from typing import Any

SHARED = "allowedaddresspairs"
"""The table of the addresses that ports may use beside their own."""


def of_revisions(module: Any) -> None:
    """`module`: neutron.db.ovn_revision_numbers_db."""

    def _get_standard_attr_id(context: Any, resource_uuid: str, resource_type: str) -> int:
        model = module.STD_ATTR_MAP[resource_type]
        found = context.session.query(model.standard_attr_id).filter_by(id=resource_uuid).one_or_none()
        if found is None:
            raise module.StandardAttributeIDNotFound(resource_uuid=resource_uuid)
        return int(found.standard_attr_id)

    module._get_standard_attr_id = _get_standard_attr_id


def of_default_groups(plugin: Any, group: Any) -> None:
    """`plugin`: Neutron's SecurityGroupDbMixin. `group`: its object DefaultSecurityGroup."""

    def _get_default_sg_id(self: Any, context: Any, project_id: str) -> str | None:
        found = group.get_values(context.elevated(), "security_group_id", project_id=project_id)
        return found[0] if found else None

    plugin._get_default_sg_id = _get_default_sg_id


def of_segments(notifier: Any, subnet: Any) -> None:
    """`notifier`: Neutron's NovaSegmentNotifier. `subnet`: its object Subnet."""

    def _get_ipv4_subnets_number_and_segment_id(self: Any, port: Any, context: Any) -> tuple[int, str | None]:
        subnets = self._get_ipv4_subnet_ids(port)
        found = subnet.get_values(context, "segment_id", id=subnets[0]) if subnets else []
        return (len(subnets), found[0]) if found and found[0] else (0, None)

    notifier._get_ipv4_subnets_number_and_segment_id = _get_ipv4_subnets_number_and_segment_id


def of_shared_addresses(utils: Any, empty: Any) -> None:
    """`utils`: neutron.common.ovn.utils. `empty`: the names of the tables that are known to be empty."""
    ask = utils.get_virtual_port_parents

    def get_virtual_port_parents(context: Any, *about: Any) -> list[str]:
        if SHARED in empty:
            # What the port that is being made may share, perhaps; a query would write it down first, too.
            context.session.flush()
        if SHARED in empty:
            return []
        parents: list[str] = ask(context, *about)
        return parents

    utils.get_virtual_port_parents = get_virtual_port_parents
