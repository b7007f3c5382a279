"""Floating IPs: those that a spec lists, and those of servers and load balancers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from onestack.core.errors import Place
from onestack.language.types import IPAddress, Problem, example
from onestack.language.words import (
    Named,
    NetworkRef,
    PortRef,
    ServerRef,
)
from onestack.workloads.kind.base import Kind, Limit, Listed, Removal
from onestack.workloads.kind.existing import Existing, Unsayable
from onestack.workloads.kind.nics import first_ports, unlisted
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Index, Rest
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, Value
from onestack.workloads.resources import interface
from onestack.workloads.resources.port import network_of, of_balancer, of_server


class FloatingIP(Named):
    """A floating IP, associated with a server or a port, or unassociated."""

    model_config = example("""\
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    ports: [{name: vip, network: front}]
    floating_ips:
      - {name: www, network: public, port: vip}
      - {name: spare}
""")

    network: NetworkRef = "public"
    """The external network from which it is allocated."""
    port: PortRef | None = None
    """The port that it is associated with."""
    server: ServerRef | None = None
    """The server that it is associated with, on the server's first network."""
    address: IPAddress | None = None
    """A specific address of the external network."""

    def problems(self) -> Iterator[Problem]:
        if self.port and self.server:
            yield Problem("both 'port' and 'server'", "one of them", path=("server",))


class FloatingIPs(Kind):
    name, service = "floating ip", "network"
    key = "floating_ips"
    in_tenant = Listed(FloatingIP, "Floating IPs.")
    after = ("tenant", "network", "router", "router interface")
    removable = True
    removed_after = ("load balancer", "server")
    limits = {"floating_ips": Limit("floatingip", "Floating IPs.")}  # noqa: RUF012
    path, one, many = "/floatingips", "floatingip", "floatingips"
    fields = ("floating_network_id", "port_id", "floating_ip_address")
    refs = {"floating_network_id": "network", "port_id": "port"}  # noqa: RUF012
    immutable = frozenset({"floating_network_id", "floating_ip_address"})
    admins_only = frozenset({"floating_ip_address"})

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        yield from super().wanted(scope)
        for server, place in scope.items("servers"):
            if server.floating_ip:
                port = of_server(scope, server, 0)
                yield self._to(scope, server.name, server.floating_ip, port, None, place)

        for item, place in scope.items("load_balancers"):
            if item.floating_ip:
                yield self._to(scope, item.name, item.floating_ip, of_balancer(scope, item), None, place)

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        port = scope.named("port", item.port).address if item.port else None
        if item.server:
            server = next(one for one, _ in scope.items("servers") if one.name == item.server)
            port = of_server(scope, server, 0)
        return self._to(scope, item.name, item.network, port, item.address, place)

    def _to(
        self, scope: Scope, name: str, parent: str, port: Address | None, address: Any, place: Place
    ) -> Wanted:
        network, subnets = scope.network(parent)
        fields: dict[str, Value] = {"floating_network_id": network, "port_id": Ref(port) if port else None}
        if address:
            fields["floating_ip_address"] = str(address)
        # Neutron associates a floating IP only where a router connects the networks.
        inner = network_of(scope, port) if port else None
        ways = [
            interface.address(Address("router", (*scope.path, router.name)), subnet)
            for router, _ in scope.items("routers")
            if inner and router.external == parent and inner in router.networks
            for subnet in scope.network(inner)[1]
        ]
        wanted = self.of_tenant(scope, name, place, fields, needs=(*subnets, *ways))
        nameless = {key: value for key, value in wanted.fields.items() if key != "name"}
        return replace(wanted, fields=nameless)

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        # It has no name of its own.
        observed = super().observe({**raw, "name": raw["floating_ip_address"]}, index)
        router = index.address("router", raw["router_id"])
        inner = index.address("network", (raw.get("port_details") or {}).get("network_id"))
        if observed is None or router is None or inner is None:
            return observed
        ways = [way for way in index.inside("router interface", router) if way.path[-2] == inner.path[-1]]
        return replace(observed, needs=(*observed.needs, router, *ways))

    def removals(self, rest: Rest, project: str, *, everyone: bool) -> Iterator[Removal]:
        for raw in rest.all(self.path, self.many, project_id=project):
            yield Removal(raw["floating_ip_address"], f"{self.path}/{raw['id']}")

    def of_section(self, there: Existing, tenant: Address | None) -> list[Observed]:
        # Those of servers and balancers are said there.
        return [one for one in super().of_section(there, tenant) if user_of(one, there) is None]

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        here, port = one.address.path[:-1], one.fields["port_id"]
        item = {"name": one.address.path[-1], "network": there.name(one.fields["floating_network_id"], here)}
        if port is None:
            return item
        first = first_ports(there)
        if isinstance(port, Ref) and port.address in first:
            return {**item, "server": there.name(Ref(first[port.address]), here)}
        if isinstance(port, Ref) and port.address in unlisted(there):
            raise Unsayable(f"it leads to {port.address}, which a spec does not list")
        return {**item, "port": there.name(port, here)}


def user_of(one: Observed, there: Existing) -> Address | None:
    """The server or balancer that has a floating IP as its own."""
    port, path = one.fields["port_id"], one.address.path
    if not isinstance(port, Ref):
        return None
    for kind in ("server", "load balancer"):
        user = Address(kind, path)
        if there.get(user) is None:
            continue
        own = first_ports(there).get(port.address) == user if kind == "server" else _vip(user, there) == port
        if own:
            return user
    return None


def _vip(balancer: Address, there: Existing) -> Value:
    found = there.get(balancer)
    return found.fields["vip_port_id"] if found else None


def network_of_own(user: Observed, there: Existing) -> str | None:
    """The external network of the floating IP that a server or balancer has as its own. Raises Unsayable."""
    own = there.get(Address("floating ip", user.address.path))
    if own is None or user_of(own, there) != user.address:
        return None
    return there.name(own.fields["floating_network_id"], user.address.path[:-1])
