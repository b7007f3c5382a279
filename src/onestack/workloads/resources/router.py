"""Routers."""

from __future__ import annotations

from typing import Any

from onestack.core.errors import Place
from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Names
from onestack.workloads.plan.model import Wanted
from onestack.workloads.plan.values import Value

_GATEWAY = "external_gateway_info"


class Routers(Kind):
    name, service = "router", "network"
    key = "routers"
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

    def value(self, field: str, raw: dict[str, Any], names: Names) -> Value:
        value = super().value(field, raw, names)
        if field == _GATEWAY and value:
            return {**value, "network_id": names.ref("network", value["network_id"])}
        return value
