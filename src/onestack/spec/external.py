"""The spec's section on the external network, from which floating IPs are allocated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from onestack.language.types import Address4, Bool, InterfaceName, Network4, Problem, Section, example

if TYPE_CHECKING:
    from onestack.spec.model import Spec

# Keys whose default depends on another key have no default in the schema; the reference says this instead.
_DERIVED = "x-default"


def _first_address(values: Mapping[str, Any]) -> IPv4Address:
    network = values.get("cidr", _EXTERNAL)
    return IPv4Address(network.network_address + 1) if network.prefixlen < 32 else network.network_address


def _largest_range(values: Mapping[str, Any]) -> tuple[IPv4Address, IPv4Address]:
    """The larger range of usable addresses on either side of the gateway."""
    network, gateway = values.get("cidr", _EXTERNAL), values.get("gateway")
    if network.prefixlen > 30:
        return network.network_address, network.broadcast_address
    first, last = network.network_address + 1, network.broadcast_address - 1
    if gateway is None or not first <= gateway <= last:
        return first, last
    above, below = int(last) - int(gateway), int(gateway) - int(first)
    return (gateway + 1, last) if above >= below else (first, gateway - 1)


_EXTERNAL = IPv4Network("172.24.4.0/24")


class External(Section):
    """The external network, from which floating IPs are allocated. Its gateway is this machine, or a router of the
    network's own."""

    model_config = example("""\
platform:
  network:
    external:
      cidr: 198.51.100.0/24
      gateway: 198.51.100.1
      pool: [198.51.100.100, 198.51.100.199]
""")

    cidr: Network4 = _EXTERNAL
    """Its CIDR, /8 to /29. Without a router outside it must not overlap with other routes of this machine."""
    gateway: Address4 = Field(
        default_factory=_first_address, json_schema_extra={_DERIVED: "the first address"}
    )
    """The gateway's address in it: this machine's, or the router's."""
    router: Literal["host", "outside"] = "host"
    """What the gateway is. `host`: this machine, or one of several hosts. `outside`: a router of the network's own;
    then the cloud has no other address in it than floating IPs and those of tenants' routers, and each host with the
    role `network` can have their gateways."""
    pool: tuple[Address4, Address4] = Field(
        default_factory=_largest_range, json_schema_extra={_DERIVED: "all but the gateway"}
    )
    """Its allocation pool: the first and the last address."""
    interface: InterfaceName | None = None
    """A network interface of this machine that is plugged into it; the cloud then uses it exclusively. With several
    hosts: of each with the role `network`."""
    nat: Bool | None = None
    """Whether guests reach outside networks by source NAT to this machine's address; it enables IPv4 forwarding.
    Default: on without `interface`, off with one. Not with `router: outside`."""

    @property
    def translated(self) -> bool:
        """Whether source NAT is on."""
        return self.interface is None if self.nat is None else self.nat

    @property
    def routed_outside(self) -> bool:
        """Whether its gateway is no host of the cloud."""
        return self.router == "outside"

    def problems(self) -> Iterator[Problem]:
        if self.routed_outside and self.interface is None:
            yield Problem(
                "a router outside is reached by a network interface, and none is named",
                "interface: one of this machine's, without addresses",
                path=("router",),
            )
        if self.routed_outside and self.nat:
            yield Problem(
                "NAT is the router's, which is outside",
                "leave 'nat' out, or set 'router: host'",
                path=("nat",),
            )
        net = self.cidr
        if not 8 <= net.prefixlen <= 29:
            yield Problem(
                f"a /{net.prefixlen} is not a valid size for an external network", "/8 to /29", path=("cidr",)
            )
            return
        if net.is_loopback or net.is_link_local or net.is_multicast or net.is_unspecified or net.is_reserved:
            yield Problem(
                f"'{net}' is reserved for other purposes", "private or public addresses", path=("cidr",)
            )
            return
        usable = f"{net.network_address + 1} to {net.broadcast_address - 1}"
        outside = [
            a for a in (self.gateway, *self.pool) if not net.network_address < a < net.broadcast_address
        ]
        if self.gateway in outside:
            yield Problem(f"'{self.gateway}' is not a usable address of {net}", usable, path=("gateway",))
        for index, address in enumerate(self.pool):
            if address in outside:
                yield Problem(f"'{address}' is not a usable address of {net}", usable, path=("pool", index))
        if outside:
            return
        if self.pool[0] > self.pool[1]:
            yield Problem("the pool ends before it begins", "[first, last]", path=("pool",))
        elif self.pool[0] <= self.gateway <= self.pool[1]:
            yield Problem(
                f"the gateway {self.gateway} is inside the pool", "a pool that excludes it", path=("pool",)
            )


def nic(spec: Spec, host: str | None) -> str | None:
    """The NIC of a host that is plugged into the external network; None where none is. `host`: which of the spec's
    hosts; without it, its only one."""
    mine = next((each for each in spec.hosts if host in (None, each.name)), None)
    if mine is not None and len(spec.hosts) > 1 and "network" not in mine.roles:
        return None
    return (mine.external if mine else None) or spec.platform.network.external.interface


def place_of_nic(spec: Spec, host: str | None) -> tuple[str | int, ...]:
    """The path in the spec of what `nic` returns."""
    for index, each in enumerate(spec.hosts):
        if each.external and host in (None, each.name):
            return ("hosts", index, "external")
    return ("platform", "network", "external", "interface")


def problems(spec: Spec) -> Iterator[Problem]:
    """What is wrong with hosts' part in the external network."""
    outer = spec.platform.network.external
    for index, host in enumerate(spec.hosts):
        if host.external and outer.interface is None:
            yield Problem(
                "no NIC is plugged into the external network",
                "platform.network.external.interface: the NIC of hosts that name none",
                path=("hosts", index, "external"),
            )
        elif host.external and "network" not in host.roles:
            yield Problem(
                f"{host.name} has no part in the external network",
                "the role 'network', or leave 'external' out",
                path=("hosts", index, "external"),
            )
        first, last = outer.pool
        if outer.routed_outside and isinstance(host.address, IPv4Address) and first <= host.address <= last:
            yield Problem(
                f"'{host.address}' is in the pool of floating IPs",
                "a pool without addresses of hosts",
                path=("hosts", index, "address"),
            )
