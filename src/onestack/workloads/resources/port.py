"""Ports: those a spec lists, one for each network interface of a server, one for each load balancer's virtual IP.

OneStack creates servers' ports, not Nova: so their fixed IPs, security groups and floating IPs can be read,
compared and changed while the server runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from onestack.core.errors import Place
from onestack.language.types import IPAddress, Text, example
from onestack.language.words import (
    Counted,
    NetworkRef,
    QosPolicyRef,
    SecurityGroupRef,
)
from onestack.workloads.kind.balancer_turns import PATH
from onestack.workloads.kind.base import Kind, Limit, Listed, Removal
from onestack.workloads.kind.existing import Existing, without_none
from onestack.workloads.kind.nics import unlisted
from onestack.workloads.kind.ownership import KEY
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Collector, Index, Rest, Session
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import UNKNOWN, Address, Value

SERVER = "server of a port"
"""The index key of the server that a port belongs to."""
_USER = "onestack_used_by"
"""A key that is added to a port: the name of the server or balancer it was created for, and its number there."""
_OCTAVIA, _OCTAVIAS_NAME = "Octavia", "octavia-lb-"
"""The device owner and the beginning of the name of a port that Octavia created."""


def of_server(scope: Scope, server: Any, index: int) -> Address:
    """The port of a server's n-th network."""
    nic = server.networks[index]
    if nic.port:
        return scope.named("port", nic.port).address
    earlier = [other.network for other in server.networks[:index]].count(nic.network)
    return Address(
        "port", (*scope.path, f"{server.name}.{nic.network}" + (f".{earlier + 1}" if earlier else ""))
    )


def of_balancer(scope: Scope, balancer: Any) -> Address:
    """The port of a load balancer's virtual IP."""
    return Address("port", (*scope.path, f"{balancer.name}.{balancer.network}"))


class Port(Counted):
    """A Neutron port: a network interface that can be attached to a server."""

    model_config = example("""\
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    ports:
      - {name: vip, network: front, address: 10.1.0.50}
""")

    network: NetworkRef
    """Its network."""
    address: IPAddress | None = None
    """Its fixed IP address; default: a free one."""
    security_groups: tuple[SecurityGroupRef, ...] | None = None
    """Its security groups; default: the tenant's group `default`."""
    qos: QosPolicyRef | None = None
    """Its QoS policy, which limits its bandwidth."""
    description: Text = ""
    """Its description, free text."""


class Ports(Kind):
    name, service = "port", "network"
    key = "ports"
    in_tenant = Listed(Port, "Ports that exist independently of servers.")
    after = ("tenant", "network", "subnet")
    removable = True
    removed_after = ("router",)
    limits = {"ports": Limit("port", "Ports.")}  # noqa: RUF012
    path, one, many = "/ports", "port", "ports"
    fields = (
        "name",
        "description",
        "network_id",
        "admin_state_up",
        "security_groups",
        "fixed_ips",
        "qos_policy_id",
    )
    refs = {"network_id": "network", "security_groups": "security group", "qos_policy_id": "qos policy"}  # noqa: RUF012
    unordered = frozenset({"security_groups"})
    immutable = frozenset({"network_id"})

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        yield from super().wanted(scope)
        yield from self._balancers(scope)
        for server, place in scope.items("servers"):
            for index, nic in enumerate(server.networks):
                if nic.network:
                    name = of_server(scope, server, index).path[-1]
                    yield self._port(scope, name, nic, server.security_groups, {}, place)

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        extra = given(item, "description")
        if item.qos:
            extra["qos_policy_id"] = scope.named("qos policy", item.qos)
        return self._port(scope, item.name, item, item.security_groups, extra, place)

    def _balancers(self, scope: Scope) -> Iterator[Wanted]:
        for item, place in scope.items("load_balancers"):
            yield self._port(scope, of_balancer(scope, item).path[-1], item, None, {}, place)

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        """All ports. Those that a service created for a server or a balancer carry what they are called after."""
        listed = in_order(collector.all(self.service, self.path, self.many))
        users = _users(listed, collector)
        earlier: Counter[tuple[str, str]] = Counter()
        for raw in listed:
            if user := users.get(raw.get("device_id") or ""):
                number = earlier[raw["device_id"], raw["network_id"]]
                earlier[raw["device_id"], raw["network_id"]] += 1
                raw = {**raw, _USER: (user, number)}
            yield raw

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        if raw.get("device_owner") == _OCTAVIA and str(raw.get("name")).startswith(_OCTAVIAS_NAME):
            # Octavia created it, and some of its providers leave it down.
            raw |= {"name": "", "admin_state_up": raw["admin_state_up"] or UNKNOWN}
        is_labelled = f"[{KEY} " in (raw.get("description") or "")
        if _USER in raw and not raw.get("name") and not is_labelled:
            # It goes by the name that OneStack would have given it.
            user, number = raw[_USER]
            network = index.address("network", raw["network_id"])
            if network:
                raw["name"] = f"{user}.{network.path[-1]}" + (f".{number + 1}" if number else "")
        observed = super().observe(raw, index)
        if observed is None:
            return None
        for fixed_ip in raw["fixed_ips"]:
            index.remember((observed.address.path[0], fixed_ip["ip_address"]), observed.address)
        subnets = (index.address("subnet", fixed_ip["subnet_id"]) for fixed_ip in raw["fixed_ips"])
        return replace(observed, needs=(*observed.needs, *(subnet for subnet in subnets if subnet)))

    def of_section(self, there: Existing, tenant: Address | None) -> list[Observed]:
        return [one for one in super().of_section(there, tenant) if one.address not in unlisted(there)]

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        fields, here = one.fields, one.address.path[:-1]
        if not fields["admin_state_up"]:
            there.comment(one, "it is down; applying this file turns it on")
        addresses = [each["ip_address"] for each in fields["fixed_ips"] or ()]
        if len(addresses) > 1:
            there.comment(one, f"not said: its addresses {', '.join(addresses)}")
        qos = fields["qos_policy_id"]
        return without_none(
            name=one.address.path[-1],
            network=there.name(fields["network_id"], here),
            address=addresses[0] if len(addresses) == 1 else None,
            security_groups=groups_of(one, there),
            qos=there.name(qos, here) if qos else None,
            description=fields["description"],
        )

    def attribute(self, ident: str, name: str, session: Session) -> Any:
        raw = self.get(ident, session) or {}
        return raw["fixed_ips"][0]["ip_address"] if name == "address" else raw.get(name)

    def _port(
        self, scope: Scope, name: str, item: Any, groups: Any, extra: dict[str, Value], place: Place
    ) -> Wanted:
        network, subnets = scope.network(item.network)
        fields: dict[str, Value] = {"network_id": network, "admin_state_up": True, **extra}
        if item.address:
            fields["fixed_ips"] = [{"ip_address": str(item.address)}]
        if groups is not None:
            named = [scope.named("security group", group) for group in dict.fromkeys(groups)]
            fields["security_groups"] = sorted(named, key=str)
        return self.of_tenant(scope, name, place, fields, needs=tuple(subnets))

    def removals(self, rest: Rest, project: str, *, everyone: bool) -> Iterator[Removal]:
        """The project's ports, but not those of routers, DHCP and metadata, which Neutron deletes itself."""
        for raw in rest.all(self.path, self.many, project_id=project):
            if not (raw["device_owner"] or "").startswith("network:"):
                yield Removal(raw["name"] or raw["id"], f"{self.path}/{raw['id']}")


def groups_of(port: Observed, there: Existing) -> list[str] | None:
    """The names of a port's security groups; None for the group `default` alone. Raises Unsayable."""
    names = there.names(port.fields["security_groups"] or (), port.address.path[:-1])
    return None if names == ["default"] else names


def in_order(ports: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ports as they were created."""
    return sorted(ports, key=lambda raw: (str(raw.get("created_at") or ""), raw["id"]))


def _users(ports: Iterable[dict[str, Any]], collector: Collector) -> dict[str, str]:
    """The names of the servers and balancers that have nameless ports, by the ports' device id."""
    owners = {str(raw.get("device_owner") or "").partition(":")[0] for raw in ports if raw.get("device_id")}
    users = {}
    if "compute" in owners:
        servers = collector.all("compute", "/servers/detail", "servers", all_tenants="1")
        users = {raw["id"]: raw["name"] for raw in servers}
    if _OCTAVIA in owners:
        balancers = collector.all("load-balancer", PATH, "loadbalancers")
        users |= {f"lb-{raw['id']}": raw["name"] for raw in balancers}
    return users


def network_of(scope: Scope, port: Address) -> str | None:
    """The name of the network that a tenant's port is in."""
    for item, _ in scope.items("ports"):
        if item.name == port.path[-1]:
            return str(item.network)
    for item, _ in scope.items("load_balancers"):
        if of_balancer(scope, item) == port:
            return str(item.network)
    for server, _ in scope.items("servers"):
        for index, nic in enumerate(server.networks):
            if nic.network and of_server(scope, server, index) == port:
                return str(nic.network)
    return None
