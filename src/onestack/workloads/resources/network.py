"""Networks, of tenants and of the platform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from onestack.core.errors import Place
from onestack.language.types import Bool, Int, Problem, Text, example
from onestack.language.words import (
    Counted,
    TenantRef,
)
from onestack.workloads.kind.base import Kind, Limit, Listed
from onestack.workloads.kind.existing import Existing, without_none
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.resources.subnet import Subnet

_PROVIDER = {
    "provider:physical_network": "physical_network",
    "provider:network_type": "type",
    "provider:segmentation_id": "segment",
}


class TenantNetwork(Counted):
    """A private network (a virtual switch of the tenant's own)."""

    model_config = example("""\
tenants:
  - name: shop
    networks:
      - {name: front, subnets: [{cidr: 10.1.0.0/24}]}
      - {name: back, subnets: [{cidr: 10.2.0.0/24}], mtu: 1400}
""")

    subnets: tuple[Subnet, ...] = ()
    """Its subnets."""
    mtu: Annotated[Int, Field(ge=68, le=9216)] | None = None
    """The largest packet, in bytes."""
    port_security: Bool = True
    """Whether port security is enabled: security groups, and protection against spoofed addresses."""
    shared_with: tuple[TenantRef, ...] = ()
    """Other tenants that may use it."""
    description: Text = ""
    """Its description, free text."""


class ProviderNetwork(TenantNetwork):
    """A network of the platform, created by the administrator: external, shared, or a provider network."""

    model_config = example("""\
networks:
  - name: office
    physical_network: public
    type: vlan
    segment: 42
    shared: true
    subnets: [{cidr: 192.0.2.0/24}]
""")

    external: Bool = False
    """Whether it is external, for floating IPs and router gateways."""
    shared: Bool = False
    """Whether all tenants may use it."""
    physical_network: Text | None = None
    """Its provider physical network, as the platform names it (`public`)."""
    type: Literal["flat", "vlan", "geneve"] | None = None
    """Its provider network type."""
    segment: Annotated[Int, Field(ge=1, le=16777215)] | None = None
    """Its provider segmentation id: the VLAN id or VNI."""

    def problems(self) -> Iterator[Problem]:
        if self.type in ("flat", "vlan") and not self.physical_network:
            yield Problem(
                f"a {self.type} network without 'physical_network'", "its physical network", path=("type",)
            )
        if self.type == "vlan" and not self.segment:
            yield Problem("a vlan network without 'segment'", "its VLAN's number", path=("type",))


class Networks(Kind):
    name, service = "network", "network"
    key = "networks"
    in_tenant = Listed(TenantNetwork, "Private networks.")
    in_platform = Listed(
        ProviderNetwork, "Networks of the platform, in addition to the external network `public`."
    )
    built_in = ("public",)
    removable = True
    removed_after = ("port",)
    limits = {"networks": Limit("network", "Networks.")}  # noqa: RUF012
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
    immutable = frozenset(_PROVIDER)

    def reachable(self, raw: dict[str, Any]) -> bool:
        return bool(raw.get("shared") or raw.get("router:external"))

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        fields: dict[str, Any] = {"port_security_enabled": item.port_security, "admin_state_up": True}
        fields |= given(item, "description", "mtu")
        if scope.tenant is None:
            fields |= given(item, **_PROVIDER) | {"shared": item.shared, "router:external": item.external}
        return self.of_tenant(scope, item.name, place, fields)

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        fields, here = one.fields, one.address.path[:-1]
        if not fields["admin_state_up"]:
            there.comment(one, "it is down; applying this file turns it on")
        item = without_none(
            name=one.address.path[-1],
            subnets=there.nested("subnet", one.address),
            mtu=fields["mtu"] if fields["mtu"] != there.cached("mtu", lambda: _usual_mtu(there)) else None,
            port_security=fields["port_security_enabled"],
            description=fields["description"],
            shared_with=[
                tenant.path[-1]
                for (tenant,) in there.links("network sharing", one.address)
                if tenant in there.tenants and tenant.path != here
            ],
        )
        if here:
            return item
        item |= {"external": bool(fields["router:external"]), "shared": bool(fields["shared"])}
        if fields["provider:network_type"] in ("flat", "vlan"):
            item |= without_none(**{key: fields[field] for field, key in _PROVIDER.items()})
        return item


def _usual_mtu(there: Existing) -> int | None:
    """The MTU of most networks, which they have of the cloud."""
    found = Counter(one.fields["mtu"] for one in there.all("network") if not one.fields["router:external"])
    return found.most_common(1)[0][0] if found else None
