"""For an export: which ports a spec says with their servers and balancers, and which it lists by themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from onestack.workloads.kind.existing import Existing
from onestack.workloads.plan.model import Observed
from onestack.workloads.plan.values import Address, Ref


def nics(server: Observed, there: Existing) -> list[tuple[Observed, bool]]:
    """A server's ports in their order, each with whether it is said as a network of the server."""
    return there.cached(f"nics of {server.id}", lambda: _nics(server, there))


def first_ports(there: Existing) -> dict[Address, Address]:
    """The first port of each server -> the server."""

    def make() -> dict[Address, Address]:
        found = {}
        for server in there.all("server"):
            for port, _ in nics(server, there)[:1]:
                found[port.address] = server.address
        return found

    return there.cached("first ports", make)


def unlisted(there: Existing) -> frozenset[Address]:
    """The ports that are said with a server or a balancer, or that services have for themselves."""

    def make() -> frozenset[Address]:
        found = {
            port.address
            for server in there.all("server")
            for port, with_server in nics(server, there)
            if with_server
        }
        vips = (balancer.fields["vip_port_id"] for balancer in there.all("load balancer"))
        found |= {vip.address for vip in vips if isinstance(vip, Ref)}
        found |= {
            port.address
            for port in there.all("port")
            if str(there.raw(port).get("device_owner")).startswith("network:")
        }
        return frozenset(found)

    return there.cached("unlisted ports", make)


def _nics(server: Observed, there: Existing) -> list[tuple[Observed, bool]]:
    # Nova lists the networks in the order of the server's interfaces; the ports may have been created in any order.
    networks = list(there.raw(server).get("addresses") or ())
    ports = [port for ident in there.raw(server)["ports"] if (port := there.by_id("port", ident))]
    ports.sort(
        key=lambda port: networks.index(name) if (name := _network(port)) in networks else len(networks)
    )
    by_name = sorted(ports, key=lambda port: port.address)
    floating = {one.fields["port_id"] for one in there.all("floating ip")}
    orders = [ports, by_name, sorted(ports, key=lambda port: Ref(port.address) not in floating)]
    said = [_in_order(server, each, floating) for each in orders]
    return max(said, key=lambda order: sum(with_server for _, with_server in order))


def _network(port: Observed) -> str:
    network = port.fields["network_id"]
    return network.address.path[-1] if isinstance(network, Ref) else ""


def _in_order(
    server: Observed, ports: list[Observed], floating: Collection[object]
) -> list[tuple[Observed, bool]]:
    """Whether each port has the name and all else that it would have, if a spec said it with the server."""
    groups = {tuple(map(str, port.fields["security_groups"] or ())) for port in ports}
    earlier: Counter[str] = Counter()
    found = []
    for number, port in enumerate(ports):
        name = _network(port)
        expected = f"{server.address.path[-1]}.{name}" + (f".{earlier[name] + 1}" if earlier[name] else "")
        with_server = (
            len(groups) == 1
            and port.address.path == (*server.address.path[:-1], expected)
            and not port.fields["description"]
            and not port.fields["qos_policy_id"]
            and not (number and Ref(port.address) in floating)
        )
        earlier[name] += with_server
        found.append((port, with_server))
    return found
