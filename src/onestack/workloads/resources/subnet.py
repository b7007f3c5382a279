"""Subnets."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any, Literal

from onestack.language.types import Bool, IPAddress, Problem, Section, example
from onestack.language.words import (
    Cidr,
    ResourceName,
)
from onestack.workloads.kind.base import Kind, Limit
from onestack.workloads.kind.existing import Existing, Unsayable, without_none
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Index
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address, Ref


class Subnet(Section):
    """A subnet of a network."""

    model_config = example("""\
tenants:
  - name: shop
    networks:
      - name: front
        subnets:
          - {cidr: 10.1.0.0/24, dns: [192.0.2.53]}
          - {name: front6, cidr: "2001:db8:1::/64"}
""")

    name: ResourceName | None = None
    """Its name; default: the network's."""
    cidr: Cidr
    """Its CIDR."""
    gateway: IPAddress | Literal["none"] | None = None
    """The gateway's address; default: the first; `none`: no gateway."""
    dhcp: Bool = True
    """Whether DHCP is enabled."""
    dns: tuple[IPAddress, ...] = ()
    """DNS servers for its servers."""
    pool: tuple[IPAddress, IPAddress] | None = None
    """The first and the last address of the allocation pool; default: all but the gateway."""

    def problems(self) -> Iterator[Problem]:
        inside = f"an address of {self.cidr}"
        if self.gateway not in (None, "none") and self.gateway not in self.cidr:
            yield Problem(f"the gateway '{self.gateway}' is not in the subnet", inside, path=("gateway",))
        for index, address in enumerate(self.pool or ()):
            if address not in self.cidr:
                yield Problem(f"'{address}' is not in the subnet", inside, path=("pool", index))


class Subnets(Kind):
    name, service = "subnet", "network"
    after = ("tenant", "network")
    limits = {"subnets": Limit("subnet", "Subnets.")}  # noqa: RUF012
    model = Subnet
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
    immutable = frozenset({"network_id", "cidr", "ip_version", "ipv6_ra_mode", "ipv6_address_mode"})

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
            # SLAAC, which most images expect.
            fields |= {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
        if subnet.gateway is not None:
            fields["gateway_ip"] = None if subnet.gateway == "none" else str(subnet.gateway)
        if subnet.pool:
            fields["allocation_pools"] = [{"start": str(subnet.pool[0]), "end": str(subnet.pool[1])}]
        name = subnet.name or network
        wanted = self.of_tenant(scope, name, place, fields)
        return Wanted(
            Address(self.name, (*scope.path, network, name)),
            wanted.fields,
            wanted.create_only,
            wanted.needs,
            place,
        )

    def parent(self, raw: dict[str, Any], index: Index) -> Address | None:
        return index.address("network", raw["network_id"])

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        return super().observe(raw, index) if self.parent(raw, index) else None

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        fields, raw = one.fields, there.raw(one)
        network, name = one.address.path[-2:]
        cidr = ip_network(fields["cidr"])
        if cidr.version == 6 and fields["enable_dhcp"]:
            modes = {fields["ipv6_ra_mode"], fields["ipv6_address_mode"]}
            if modes != {"slaac"}:
                raise Unsayable("a spec's IPv6 subnets with DHCP have the modes slaac")
        if raw.get("host_routes"):
            there.comment(
                there.get(Address("network", one.address.path[:-1])) or one,
                f"not said: host routes of {name}",
            )
        gateway, pools = fields["gateway_ip"], fields["allocation_pools"] or []
        first = str(cidr.network_address + 1)
        usual = gateway == first or (cidr.version == 6 and gateway == str(cidr.network_address))
        if len(pools) > 1:
            there.comment(
                there.get(Address("network", one.address.path[:-1])) or one, f"not said: the pools of {name}"
            )
        pool = [pools[0]["start"], pools[0]["end"]] if len(pools) == 1 else None
        return without_none(
            name=name if name != network else None,
            cidr=str(cidr),
            gateway="none" if gateway is None else None if usual else gateway,
            dhcp=fields["enable_dhcp"],
            dns=fields["dns_nameservers"],
            pool=pool if pool and not _is_whole(cidr, gateway, pool) else None,
        )


def _is_whole(cidr: Any, gateway: str | None, pool: list[str]) -> bool:
    """Whether a pool is the one that Neutron gives a subnet: all but the gateway at its edge."""
    last = cidr.broadcast_address - (1 if cidr.version == 4 else 0)
    starts = {str(cidr.network_address + 1), str(cidr.network_address + (2 if gateway else 1))}
    return pool[0] in starts and pool[1] == str(last)
