"""Collects what `balancer.diagnose` needs, from Octavia, Neutron, Nova and Octavia's log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from onestack.health.why import find
from onestack.health.why.observations import (
    BalancerObservation,
    Listener,
    Member,
    MemberPort,
    Monitor,
    Pool,
    Rule,
)
from onestack.health.why.source import Source, age
from onestack.workloads.openstack.rest import Rest

_OVN = "ovn"
"""The provider whose members see their clients' addresses, not the balancer's."""


def observe(source: Source, word: str, project: str | None) -> BalancerObservation:
    """The balancer that is called `word` or has that id. Raises BadInput, OneStackError."""
    octavia, names = source.rest("load-balancer"), find.projects(source.admin)
    balancer = find.one(
        "balancer",
        octavia.all("/lbaas/loadbalancers", "loadbalancers"),
        word,
        project,
        names,
        "openstack loadbalancer list",
    )
    of = {"loadbalancer_id": balancer["id"]}
    network = source.rest("network")
    ports = Ports(source, network, balancer["vip_network_id"])
    monitors = {
        pool["id"]: monitor
        for monitor in octavia.all("/lbaas/healthmonitors", "healthmonitors")
        for pool in monitor["pools"]
    }
    pools = octavia.all("/lbaas/pools", "pools", **of)
    vip_groups = network.get(f"/ports/{balancer['vip_port_id']}")["port"]["security_groups"]
    listeners = octavia.all("/lbaas/listeners", "listeners", **of)
    settled = not balancer["provisioning_status"].startswith("PENDING")
    everything = (balancer, *listeners, *pools)
    # Of one that is set up as it was wanted, warnings of an earlier time would only mislead.
    in_order = all(each["provisioning_status"] == "ACTIVE" for each in everything)
    ids = [each["id"] for each in everything]
    return BalancerObservation(
        id=balancer["id"],
        name=balancer["name"],
        project=names.get(find.of_project(balancer), find.of_project(balancer)),
        provisioning=balancer["provisioning_status"],
        status=balancer["operating_status"],
        age=age(balancer.get("updated_at"), balancer["created_at"]),
        enabled=balancer["admin_state_up"],
        provider=balancer["provider"],
        vip=balancer["vip_address"],
        source="" if balancer["provider"] == _OVN else balancer["vip_address"],
        source_groups=frozenset(vip_groups),
        listeners=tuple(
            Listener(
                each["name"] or each["id"],
                each["protocol"],
                each["protocol_port"],
                each["operating_status"],
                each["provisioning_status"],
                each["admin_state_up"],
            )
            for each in listeners
        ),
        pools=tuple(_pool(octavia, each, monitors.get(each["id"]), ports) for each in pools),
        errors=() if in_order else find.problems(source.logs, ("octavia",), ids),
        octavia_states={} if settled else source.not_running("octavia"),
    )


def _pool(octavia: Rest, pool: Mapping[str, Any], monitor: Mapping[str, Any] | None, ports: Ports) -> Pool:
    return Pool(
        name=pool["name"] or pool["id"],
        status=pool["operating_status"],
        provisioning=pool["provisioning_status"],
        protocol=pool["protocol"],
        enabled=pool["admin_state_up"],
        monitor=None
        if monitor is None
        else Monitor(
            monitor["type"],
            monitor.get("url_path") or "",
            monitor.get("expected_codes") or "",
            monitor["admin_state_up"],
        ),
        members=tuple(
            Member(
                name=each["name"] or each["address"],
                address=each["address"],
                port=each["protocol_port"],
                status=each["operating_status"],
                checked=each.get("monitor_port") or 0,
                enabled=each["admin_state_up"],
                weight=each["weight"],
                at=ports.at(each.get("monitor_address") or each["address"], each.get("subnet_id")),
            )
            for each in octavia.all(f"/lbaas/pools/{pool['id']}/members", "members")
        ),
    )


class Ports:
    """The ports of members, by network and address. Each network, subnet and security group is read once."""

    def __init__(self, source: Source, network: Rest, default: str) -> None:
        self._source, self._network, self._default = source, network, default
        self._networks: dict[str, dict[str, Mapping[str, Any]]] = {}
        self._subnets: dict[str, str] = {}
        self._groups: dict[str, Mapping[str, Any]] = {}

    def at(self, address: str, subnet: str | None) -> MemberPort | None:
        """The port with an address, in the network of a subnet (None: of the balancer itself)."""
        network = self._network_of(subnet) if subnet else self._default
        if network not in self._networks:
            found = self._network.all("/ports", "ports", network_id=network)
            self._networks[network] = {ip["ip_address"]: port for port in found for ip in port["fixed_ips"]}
        port = self._networks[network].get(address)
        return None if port is None else self._member_port(port)

    def _network_of(self, subnet: str) -> str:
        if subnet not in self._subnets:
            self._subnets[subnet] = self._network.get(f"/subnets/{subnet}")["subnet"]["network_id"]
        return self._subnets[subnet]

    def _member_port(self, port: Mapping[str, Any]) -> MemberPort:
        groups = [self._group(each) for each in port["security_groups"]]
        server = self._source.servers.get(port.get("device_id") or "", {})
        return MemberPort(
            id=port["id"],
            status=port["status"],
            enabled=port["admin_state_up"],
            filtered=bool(port.get("port_security_enabled", True)),
            groups=tuple(each["name"] for each in groups),
            rules=tuple(rule for each in groups for rule in _rules(each["security_group_rules"])),
            server=server.get("name", ""),
            server_status=server.get("status", ""),
        )

    def _group(self, ident: str) -> Mapping[str, Any]:
        if ident not in self._groups:
            self._groups[ident] = self._network.get(f"/security-groups/{ident}")["security_group"]
        return self._groups[ident]


def _rules(rows: Iterable[Mapping[str, Any]]) -> Iterable[Rule]:
    return (
        Rule(
            row["ethertype"],
            str(row.get("protocol") or ""),
            row.get("port_range_min"),
            row.get("port_range_max"),
            row.get("remote_ip_prefix") or "",
            row.get("remote_group_id") or "",
        )
        for row in rows
        if row["direction"] == "ingress"
    )
