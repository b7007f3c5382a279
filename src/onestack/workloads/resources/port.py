"""Ports: those a spec lists, and one for each place of a server in a network.

Servers' ports are OneStack's own, not Nova's: so their addresses, groups and public addresses can be seen,
compared and changed while the server runs.
"""

from __future__ import annotations

from collections.abc import Iterator
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
from onestack.workloads.kind.base import Held, Kind, Limit, Listed
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Index, Rest, Session
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address, Value


def of_server(scope: Scope, server: Any, index: int) -> Address:
    """The port of a server's n-th network."""
    nic = server.networks[index]
    if nic.port:
        return scope.named("port", nic.port).address
    same = [other.network for other in server.networks[:index]].count(nic.network)
    return Address("port", (*scope.path, f"{server.name}.{nic.network}" + (f".{same + 1}" if same else "")))


def of_balancer(scope: Scope, balancer: Any) -> Address:
    """The port of a load balancer's virtual IP."""
    return Address("port", (*scope.path, f"{balancer.name}.{balancer.network}"))


class Port(Counted):
    """A place in a network where a server can be plugged in."""

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
    """Its address; unless said one that is free."""
    security_groups: tuple[SecurityGroupRef, ...] | None = None
    """What may reach it; unless said the tenant's group `default`."""
    qos: QosPolicyRef | None = None
    """How much may go through it."""
    description: Text = ""
    """What it is for."""


class Ports(Kind):
    name, service = "port", "network"
    key = "ports"
    in_tenant = Listed(Port, "Places in networks that are kept apart from servers.")
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
        more = given(item, "description")
        if item.qos:
            more["qos_policy_id"] = scope.named("qos policy", item.qos)
        return self._port(scope, item.name, item, item.security_groups, more, place)

    def _balancers(self, scope: Scope) -> Iterator[Wanted]:
        for item, place in scope.items("load_balancers"):
            yield self._port(scope, of_balancer(scope, item).path[-1], item, None, {}, place)

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        there = super().observe(raw, index)
        if there is None:
            return None
        for at in raw["fixed_ips"]:
            index.remember((there.address.path[0], at["ip_address"]), there.address)
        subnets = (index.address("subnet", at["subnet_id"]) for at in raw["fixed_ips"])
        return replace(there, needs=(*there.needs, *(one for one in subnets if one)))

    def attribute(self, ident: str, name: str, session: Session) -> Any:
        raw = self.get(ident, session) or {}
        return raw["fixed_ips"][0]["ip_address"] if name == "address" else raw.get(name)

    def _port(
        self, scope: Scope, name: str, at: Any, groups: Any, more: dict[str, Value], place: Place
    ) -> Wanted:
        network, subnets = scope.network(at.network)
        fields: dict[str, Value] = {"network_id": network, "admin_state_up": True, **more}
        if at.address:
            fields["fixed_ips"] = [{"ip_address": str(at.address)}]
        if groups is not None:
            named = [scope.named("security group", group) for group in dict.fromkeys(groups)]
            fields["security_groups"] = sorted(named, key=str)
        return self.of_tenant(scope, name, place, fields, needs=tuple(subnets))

    def held(self, rest: Rest, project: str, *, everyone: bool) -> Iterator[Held]:
        """Without those of routers, DHCP and metadata, which Neutron deletes itself."""
        for raw in rest.all(self.path, self.many, project_id=project):
            if not (raw["device_owner"] or "").startswith("network:"):
                yield Held(raw["name"] or raw["id"], f"{self.path}/{raw['id']}")


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
