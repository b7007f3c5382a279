"""Neutron's part of a balancer: the VIP port bound to this host, its security group, its QoS policy."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
from functools import cached_property
from typing import Any

from octavia.common import utils
from oslo_config import cfg

from onestack_runtime.drivers.balancer.places import Place
from onestack_runtime.drivers.balancer.plug import Card

_CARD = "card.json"


class Network:
    """Octavia's own Neutron driver, and what it leaves to the amphora's host."""

    @cached_property
    def driver(self) -> Any:
        """Made once: each new one asks Neutron for its extensions. Raises while Neutron does not answer."""
        return utils.get_network_driver()

    def bind(self, lb: Any) -> Card:
        """Have the VIP port up and bound to this host, and say what its card is like."""
        proxy = self.driver.network_proxy
        port = proxy.get_port(lb.vip.port_id)
        wanted = {"binding_host_id": cfg.CONF.host}
        changed = {name: value for name, value in wanted.items() if port[name] != value}
        if not port.is_admin_state_up:
            changed["admin_state_up"] = True
        if (lb.vip.qos_policy_id or None) != (port.qos_policy_id or None):
            changed["qos_policy_id"] = lb.vip.qos_policy_id or None
        if changed:
            proxy.update_port(port.id, **changed)
        return self._card(proxy, port)

    def secure(self, lb: Any) -> None:
        """Have the balancer's security group let in what its listeners are for, and nothing else."""
        self.driver.update_vip_sg(lb, lb.vip)

    def release(self, lb: Any) -> None:
        """Give back what was done to a port of the tenant's own; Octavia's own port goes with the balancer."""
        if lb.vip is None or not lb.vip.port_id or lb.vip.octavia_owned:
            return
        vip = lb.vip
        vip.load_balancer = lb
        self.driver.deallocate_vip(vip)

    @staticmethod
    def _card(proxy: Any, port: Any) -> Card:
        network = proxy.get_network(port.network_id)
        addresses, routes = [], []
        gateways: dict[int, str] = {}
        for fixed in port.fixed_ips:
            subnet = proxy.get_subnet(fixed["subnet_id"])
            length = ipaddress.ip_network(subnet.cidr).prefixlen
            addresses.append(f"{fixed['ip_address']}/{length}")
            if subnet.gateway_ip:
                gateways.setdefault(subnet.ip_version, subnet.gateway_ip)
            routes += [(each["destination"], each["nexthop"]) for each in subnet.host_routes or []]
        return Card(
            port.id, port.mac_address, network.mtu, tuple(addresses), tuple(gateways.values()), tuple(routes)
        )


def keep(place: Place, card: Card) -> None:
    """Note what the card is like, so that it is plugged again without asking anybody."""
    partial = place.folder / f"{_CARD}.partial"
    partial.write_text(json.dumps(dataclasses.asdict(card)))
    partial.rename(place.folder / _CARD)


def recall(place: Place) -> Card | None:
    """The card as it was noted; None when it was not."""
    try:
        told = json.loads((place.folder / _CARD).read_text())
    except (OSError, ValueError):
        return None
    return Card(
        told["port"],
        told["mac"],
        told["mtu"],
        tuple(told["addresses"]),
        tuple(told["gateways"]),
        tuple((destination, hop) for destination, hop in told["routes"]),
    )
