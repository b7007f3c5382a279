"""Routers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onestack.core.errors import Place
from onestack.language.types import Bool, Text, example
from onestack.language.words import (
    Named,
    NetworkRef,
)
from onestack.workloads.kind.base import Kind, Limit, Listed
from onestack.workloads.kind.existing import Existing, without_none
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Index
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, Value

_GATEWAY = "external_gateway_info"


class Router(Named):
    """Connects a tenant's networks with each other and with an external network."""

    model_config = example("""\
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    routers:
      - {name: edge, external: public, networks: [front]}
""")

    external: NetworkRef | None = None
    """The external network of its gateway."""
    networks: tuple[NetworkRef, ...] = ()
    """The networks whose subnets it connects, each with the subnet's gateway address."""
    snat: Bool | None = None
    """Whether it does source NAT for servers without a floating IP."""
    enabled: Bool = True
    """Whether its administrative state is up."""
    description: Text = ""
    """Its description, free text."""


class Routers(Kind):
    name, service = "router", "network"
    key = "routers"
    in_tenant = Listed(Router, "Routers, which connect its networks.")
    after = ("tenant", "network")
    removable = True
    removed_after = ("router interface",)
    limits = {"routers": Limit("router", "Routers.")}  # noqa: RUF012
    path, one, many = "/routers", "router", "routers"
    fields = ("name", "description", "admin_state_up", _GATEWAY)

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        fields = {"admin_state_up": item.enabled, **given(item, "description")}
        needs: tuple[Any, ...] = ()
        gateway: Value = None
        if item.external:
            network, subnets = scope.network(item.external)
            gateway, needs = {"network_id": network}, tuple(subnets)
            if item.snat is not None:
                gateway["enable_snat"] = item.snat
        return self.of_tenant(scope, item.name, place, {**fields, _GATEWAY: gateway}, needs=needs)

    def forbidden(self, sent: Mapping[str, Value]) -> list[str]:
        return ["snat"] if "enable_snat" in (sent.get(_GATEWAY) or {}) else []

    def value(self, field: str, raw: dict[str, Any], index: Index) -> Value:
        value = super().value(field, raw, index)
        if field == _GATEWAY and value:
            return {**value, "network_id": index.ref("network", value["network_id"])}
        return value

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        fields, here = one.fields, one.address.path[:-1]
        gateway = fields[_GATEWAY] or {}
        if there.raw(one).get("routes"):
            there.comment(one, "not said: its static routes")
        connected = [subnet for (subnet,) in there.links("router interface", one.address)]
        networks = dict.fromkeys(Address("network", subnet.path[:-1]) for subnet in connected)
        for network in networks:
            for subnet in there.inside("subnet", network):
                if subnet.address not in connected:
                    there.comment(
                        one, f"{subnet.address} is not connected to it; applying this file connects it"
                    )
        return without_none(
            name=one.address.path[-1],
            external=there.name(gateway["network_id"], here) if gateway else None,
            networks=there.names([Ref(network) for network in networks], here),
            snat=False if gateway.get("enable_snat") is False else None,
            enabled=fields["admin_state_up"],
            description=fields["description"],
        )
