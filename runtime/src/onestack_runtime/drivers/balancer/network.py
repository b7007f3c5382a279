"""A balancer in Neutron: the VIP port bound to this host, its security group, its QoS policy."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
from functools import cached_property
from typing import Any

from octavia.common import utils
from oslo_config import cfg

from onestack_runtime.drivers.balancer.places import Place
from onestack_runtime.drivers.balancer.plug import Interface

_INTERFACE_FILE = "card.json"


class Network:
    """Octavia's own Neutron driver, and the port binding, which Nova does for an amphora."""

    @cached_property
    def driver(self) -> Any:
        """Created once: each new driver requests Neutron's list of extensions. Raises if Neutron does not answer."""
        return utils.get_network_driver()

    def bind(self, lb: Any) -> Interface:
        """Enable the VIP port and bind it to this host; returns the interface to create for it."""
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
        return self._interface(proxy, port)

    def secure(self, lb: Any) -> None:
        """Update the balancer's security group: it admits its listeners' traffic and nothing else."""
        self.driver.update_vip_sg(lb, lb.vip)

    def release(self, lb: Any) -> None:
        """Undo the changes to a port that the tenant owns; a port that Octavia owns is deleted with the balancer."""
        if lb.vip is None or not lb.vip.port_id or lb.vip.octavia_owned:
            return
        vip = lb.vip
        vip.load_balancer = lb
        self.driver.deallocate_vip(vip)

    @staticmethod
    def _interface(proxy: Any, port: Any) -> Interface:
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
        return Interface(
            port.id, port.mac_address, network.mtu, tuple(addresses), tuple(gateways.values()), tuple(routes)
        )


def save(place: Place, interface: Interface) -> None:
    """Save the interface, so that it can be plugged again without Neutron."""
    partial = place.folder / f"{_INTERFACE_FILE}.partial"
    partial.write_text(json.dumps(dataclasses.asdict(interface)))
    partial.rename(place.folder / _INTERFACE_FILE)


def load(place: Place) -> Interface | None:
    """The saved interface; None if none was saved."""
    try:
        data = json.loads((place.folder / _INTERFACE_FILE).read_text())
    except (OSError, ValueError):
        return None
    return Interface(
        data["port"],
        data["mac"],
        data["mtu"],
        tuple(data["addresses"]),
        tuple(data["gateways"]),
        tuple((destination, hop) for destination, hop in data["routes"]),
    )
