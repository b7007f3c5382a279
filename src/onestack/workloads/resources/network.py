"""Networks, of tenants and of the platform."""

from __future__ import annotations

from typing import Any

from onestack.core.errors import Place
from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.plan.model import Wanted

_PROVIDER = {
    "provider:physical_network": "physical_network",
    "provider:network_type": "type",
    "provider:segmentation_id": "segment",
}


class Networks(Kind):
    name, service = "network", "network"
    key = "networks"
    path, one, many = "/networks", "network", "networks"
    fields = (
        "name",
        "description",
        "mtu",
        "port_security_enabled",
        "admin_state_up",
        "shared",
        "router:external",
        *_PROVIDER,
    )
    fixed = frozenset(_PROVIDER)

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        fields: dict[str, Any] = {"port_security_enabled": item.port_security, "admin_state_up": True}
        fields |= given(item, "description", "mtu")
        if scope.tenant is None:
            fields |= given(item, **_PROVIDER) | {"shared": item.shared, "router:external": item.external}
        return self.of_tenant(scope, item.name, place, fields)
