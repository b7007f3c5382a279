"""What connects servers: networks, subnets, routers, ports, floating IPs, security groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from onestack.language.types import Address, Bool, Int, Problem, Section, Text, example
from onestack.language.words import (
    AddressGroupRef,
    Cidr,
    Counted,
    Named,
    NetworkRef,
    PortRef,
    Ports,
    QosPolicyRef,
    ResourceName,
    SecurityGroupRef,
    ServerRef,
    TenantRef,
)


class Subnet(Section):
    """A range of addresses of a network."""

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
    """Its name; without it the network's."""
    cidr: Cidr
    """Its addresses."""
    gateway: Address | Literal["none"] | None = None
    """The router's address in it; unless said the first; `none`: no gateway."""
    dhcp: Bool = True
    """Whether servers are given their addresses."""
    dns: tuple[Address, ...] = ()
    """Name servers for its servers."""
    pool: tuple[Address, Address] | None = None
    """The first and the last address that are given out; unless said all but the gateway."""

    def problems(self) -> Iterator[Problem]:
        inside = f"an address of {self.cidr}"
        if self.gateway not in (None, "none") and self.gateway not in self.cidr:
            yield Problem(f"the gateway '{self.gateway}' is not in the subnet", inside, path=("gateway",))
        for index, address in enumerate(self.pool or ()):
            if address not in self.cidr:
                yield Problem(f"'{address}' is not in the subnet", inside, path=("pool", index))


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
    """Its ranges of addresses."""
    mtu: Annotated[Int, Field(ge=68, le=9216)] | None = None
    """The largest packet, in bytes."""
    port_security: Bool = True
    """Whether security groups and checks against forged addresses hold in it."""
    shared_with: tuple[TenantRef, ...] = ()
    """Other tenants that may use it."""
    description: Text = ""
    """What it is for."""


class ProviderNetwork(TenantNetwork):
    """A network of the platform's, made by the administrator: external, shared, or tied to a physical one."""

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
    """Whether floating IPs and routers' ways out may come from it."""
    shared: Bool = False
    """Whether every tenant may use it."""
    physical_network: Text | None = None
    """The virtual switch's way out, as the platform names it (`public`)."""
    type: Literal["flat", "vlan", "geneve"] | None = None
    """How it is told apart on the wire."""
    segment: Annotated[Int, Field(ge=1, le=16777215)] | None = None
    """Its VLAN or virtual network number."""

    def problems(self) -> Iterator[Problem]:
        if self.type in ("flat", "vlan") and not self.physical_network:
            yield Problem(
                f"a {self.type} network without 'physical_network'", "its physical network", path=("type",)
            )
        if self.type == "vlan" and not self.segment:
            yield Problem("a vlan network without 'segment'", "its VLAN's number", path=("type",))


class Router(Named):
    """What connects a tenant's networks with each other and the world."""

    model_config = example("""\
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    routers:
      - {name: edge, external: public, networks: [front]}
""")

    external: NetworkRef | None = None
    """The external network it leads to."""
    networks: tuple[NetworkRef, ...] = ()
    """The networks whose subnets it connects, each at its gateway's address."""
    snat: Bool | None = None
    """Whether servers without a floating IP reach the world through it."""
    enabled: Bool = True
    """Whether it forwards."""
    description: Text = ""
    """What it is for."""


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
    address: Address | None = None
    """Its address; unless said one that is free."""
    security_groups: tuple[SecurityGroupRef, ...] | None = None
    """What may reach it; unless said the tenant's group `default`."""
    qos: QosPolicyRef | None = None
    """How much may go through it."""
    description: Text = ""
    """What it is for."""


class FloatingIP(Named):
    """A public address that leads to a server, a port or a load balancer."""

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
    """The external network it comes from."""
    port: PortRef | None = None
    """The port it leads to."""
    server: ServerRef | None = None
    """The server it leads to, at its first network."""
    address: Address | None = None
    """A certain address of the external network."""

    def problems(self) -> Iterator[Problem]:
        if self.port and self.server:
            yield Problem("both 'port' and 'server'", "one of them", path=("server",))


class Rule(Section):
    """Packets that are let through. What no rule lets through is dropped."""

    model_config = example("""\
tenants:
  - name: shop
    security_groups:
      - name: web
        rules:
          - {protocol: tcp, ports: 443}
          - {protocol: tcp, ports: 22, cidr: 192.0.2.0/24}
          - {protocol: icmp}
          - {group: web}                 # anything from its own members
""")

    direction: Literal["ingress", "egress"] = "ingress"
    """`ingress`: to servers. `egress`: from them."""
    protocol: Text | None = None
    """tcp, udp, icmp, or any other protocol's name or number; unless said all."""
    ports: Ports = "any"
    """A port (80) or a range (8000-8100), with tcp and udp; for icmp the type."""
    cidr: Cidr | None = None
    """The addresses on the other side."""
    group: SecurityGroupRef | None = None
    """The security group whose servers are on the other side."""
    addresses: AddressGroupRef | None = None
    """The address group on the other side."""
    ipv6: Bool = False
    """Whether it is about IPv6; said by `cidr` where that is given."""

    def problems(self) -> Iterator[Problem]:
        sides = [key for key in ("cidr", "group", "addresses") if getattr(self, key) is not None]
        if len(sides) > 1:
            yield Problem(f"both '{sides[0]}' and '{sides[1]}'", "one other side", path=(sides[1],))
        if self.ports != "any" and self.protocol is None:
            yield Problem("ports without a protocol", "tcp, udp, …", path=("ports",))


class SecurityGroup(Named):
    """What may reach servers, and what they may reach."""

    model_config = example("""\
tenants:
  - name: shop
    security_groups:
      - {name: web, rules: [{protocol: tcp, ports: 80}, {protocol: tcp, ports: 443}]}
""")

    rules: tuple[Rule, ...] = ()
    """What is let through; all of it: a rule made by hand is taken away."""
    egress: Bool = True
    """Whether servers may reach everything, as in OpenStack's own default."""
    description: Text = ""
    """What it is for."""


class AddressGroup(Named):
    """Addresses that rules name together."""

    model_config = example("""\
tenants:
  - name: shop
    address_groups:
      - {name: offices, addresses: [192.0.2.0/24, 198.51.100.7/32]}
""")

    addresses: tuple[Cidr, ...] = ()
    """The addresses."""
    description: Text = ""
    """What it is for."""


class QosPolicy(Named):
    """How much may go through a port."""

    model_config = example("""\
tenants:
  - name: shop
    qos_policies:
      - {name: slow, max_kbps: 10000, direction: egress}
""")

    max_kbps: Annotated[Int, Field(ge=1)] | None = None
    """The bandwidth limit, in kilobits a second."""
    direction: Literal["ingress", "egress"] = "egress"
    """Which way the limit is."""
    description: Text = ""
    """What it is for."""
