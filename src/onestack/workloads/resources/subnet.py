"""Subnets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Names
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address, Ref


class Subnets(Kind):
    name, service = "subnet", "network"
    path, one, many = "/subnets", "subnet", "subnets"
    fields = (
        "name",
        "network_id",
        "cidr",
        "ip_version",
        "enable_dhcp",
        "dns_nameservers",
        "gateway_ip",
        "allocation_pools",
        "ipv6_ra_mode",
        "ipv6_address_mode",
        "description",
    )
    refs = {"network_id": "network"}  # noqa: RUF012
    fixed = frozenset({"network_id", "cidr", "ip_version", "ipv6_ra_mode", "ipv6_address_mode"})

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        for at, (network, _) in enumerate(scope.items("networks")):
            for index, subnet in enumerate(network.subnets):
                place = scope.place("networks", at, "subnets", index)
                yield self._want(scope, network.name, subnet, place)

    def _want(self, scope: Scope, network: str, subnet: Any, place: Any) -> Wanted:
        fields: dict[str, Any] = {
            "network_id": Ref(Address("network", (*scope.path, network))),
            "cidr": str(subnet.cidr),
            "ip_version": subnet.cidr.version,
            "enable_dhcp": subnet.dhcp,
            "dns_nameservers": [str(server) for server in subnet.dns],
        }
        if subnet.cidr.version == 6 and subnet.dhcp:
            # Servers make their own addresses from what the router announces, as most images expect.
            fields |= {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
        if subnet.gateway is not None:
            fields["gateway_ip"] = None if subnet.gateway == "none" else str(subnet.gateway)
        if subnet.pool:
            fields["allocation_pools"] = [{"start": str(subnet.pool[0]), "end": str(subnet.pool[1])}]
        name = subnet.name or network
        wanted = self.of_tenant(scope, name, place, fields)
        return Wanted(
            Address(self.name, (*scope.path, network, name)), wanted.fields, wanted.once, wanted.needs, place
        )

    def outer(self, raw: dict[str, Any], names: Names) -> Address | None:
        return names.address("network", raw["network_id"])

    def observe(self, raw: dict[str, Any], names: Names) -> Observed | None:
        return super().observe(raw, names) if self.outer(raw, names) else None
