"""What Neutron asks its database about each port, in as few words as the answer needs.

To learn one column it reads a whole port, subnet or group with all that belongs to it, many times for each port that
is made or bound; and it looks for ports that share an address also where no port may. Together that was a sixth of
its time.
"""

from __future__ import annotations

import threading
from typing import Any

from onestack_runtime.threads import during

FACTS = ("id", "network_id", "ip_version", "cidr", "subnetpool_id")
"""What is needed to know about the subnets of a port."""
POLICIES = ("qos_network_policy_bindings", "qos_port_policy_bindings")
"""The tables of the QoS policies that ports have, of their own or of their network's."""
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


def of_subnets(client: Any, utils: Any, model: Any, database: Any) -> None:
    """What OVN is told about a port, and whether a port may be bound, needs few facts about its subnets.

    `client`: OVNClient. `utils`: neutron.common.ovn.utils. `model`: the table's. `database`: neutron_lib.db.api.
    """
    options, validate = client._get_port_options, utils.validate_port_binding_and_virtual_port
    columns = [getattr(model, name) for name in FACTS]

    class Plugin:
        """Neutron's plugin, but that subnets which are asked for by their ids come with FACTS alone."""

        def __init__(self, whole: Any) -> None:
            self._whole = whole

        def __getattr__(self, name: str) -> Any:
            return getattr(self._whole, name)

        @database.retry_if_session_inactive()  # type: ignore[untyped-decorator]
        def get_subnets(self, context: Any, filters: dict[str, list[str]]) -> list[dict[str, Any]]:
            with database.CONTEXT_READER.using(context):
                found = context.session.query(*columns).filter(model.id.in_(filters["id"]))
                return [dict(row._mapping) for row in found]

    class Client:
        """OVN's client, with such a plugin."""

        def __init__(self, whole: Any) -> None:
            self._whole = whole
            self._plugin = Plugin(whole._plugin)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._whole, name)

    def _get_port_options(self: Any, context: Any, port: Any) -> Any:
        return options(Client(self), context, port)

    def validate_port_binding_and_virtual_port(port_context: Any, plugin: Any, *ports: Any) -> None:
        validate(port_context, Plugin(plugin), *ports)

    client._get_port_options = _get_port_options
    utils.validate_port_binding_and_virtual_port = validate_port_binding_and_virtual_port


def of_groups(plugin: Any, group: Any) -> None:
    """Whether a port may have its groups, which takes none of their rules: for each of these there is a query.

    `plugin`: Neutron's SecurityGroupDbMixin. `group`: its object SecurityGroup.
    """
    of_port, get = plugin._get_security_groups_on_port, group.get_objects.__func__
    here = threading.local()

    def get_objects(cls: Any, *args: Any, **named: Any) -> Any:
        if getattr(here, "of_port", False):
            named.setdefault("fields", ["id", "project_id", "stateful"])
        return get(cls, *args, **named)

    def _get_security_groups_on_port(self: Any, context: Any, port: Any) -> Any:
        with during(here, "of_port", True):
            return of_port(self, context, port)

    group.get_objects = classmethod(get_objects)
    plugin._get_security_groups_on_port = _get_security_groups_on_port


def of_policies(plugin: Any, empty: Any) -> None:
    """Which QoS policy a new port has: none, where no port and no network has any.

    `plugin`: Neutron's QoSPlugin. `empty`: the names of the tables that are known to be empty.
    """
    ask = plugin._validate_create_port_callback

    def _validate_create_port_callback(
        self: Any, resource: Any, event: Any, trigger: Any, payload: Any
    ) -> None:
        # What the port that is being made shall have, perhaps; a query would write it down first, too.
        payload.context.session.flush()
        if not all(table in empty for table in POLICIES):
            ask(self, resource, event, trigger, payload=payload)

    plugin._validate_create_port_callback = _validate_create_port_callback
