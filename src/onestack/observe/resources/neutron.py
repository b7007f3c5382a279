"""Neutron's metrics: networks, subnets, ports, routers, floating IPs, security groups."""

from __future__ import annotations

from onestack.observe.resources import quotas
from onestack.observe.resources.metric import Group, Metric, boolean, count, number_of, numbered

_NETWORK_STATUSES = numbered("ACTIVE", "BUILD", "DOWN", "ERROR")
_SHARED = """\
EXISTS (SELECT 1 FROM neutron.networkrbacs AS r WHERE r.object_id = n.id AND r.action = 'access_as_shared'
        AND r.target_project = '*')"""
_EXTERNAL = "EXISTS (SELECT 1 FROM neutron.externalnetworks AS e WHERE e.network_id = n.id)"
_TAGS = """\
COALESCE((SELECT GROUP_CONCAT(t.tag ORDER BY t.tag SEPARATOR ',') FROM neutron.tags AS t
          WHERE t.standard_attr_id = {of}.standard_attr_id), '')"""
_SUBNETS = """\
COALESCE((SELECT GROUP_CONCAT(s.id ORDER BY s.id SEPARATOR ',') FROM neutron.subnets AS s
          WHERE s.network_id = n.id), '')"""
_SERVERS = """\
COALESCE((SELECT GROUP_CONCAT(d.address ORDER BY d.`order` SEPARATOR ',') FROM neutron.dnsnameservers AS d
          WHERE d.subnet_id = s.id), '')"""
_ADDRESSES = """\
COALESCE((SELECT GROUP_CONCAT(i.ip_address ORDER BY i.ip_address SEPARATOR ',') FROM neutron.ipallocations AS i
          WHERE i.port_id = p.id), '')"""
_VIF = """\
COALESCE((SELECT b.vif_type FROM neutron.ml2_port_bindings AS b WHERE b.port_id = p.id AND b.status = 'ACTIVE'
          LIMIT 1), '')"""
_OF_SUBNET = ("network_id", "network_name", "ip_version", "cidr", "subnet_name", "project_id")


def _of_subnet(name: str, description: str, value: str) -> Metric:
    # The addresses of IPv6 subnets are more than a number of SQL's holds.
    return Metric(
        name,
        description,
        "SELECT n.id AS network_id, n.name AS network_name, s.ip_version, s.cidr, s.name AS subnet_name,"
        f" n.project_id, ({value}) AS value FROM neutron.subnets AS s"
        " JOIN neutron.networks AS n ON n.id = s.network_id WHERE s.ip_version = 4",
        _OF_SUBNET,
    )


METRICS = (
    count("floating_ips", "Floating IPs.", "neutron.floatingips"),
    count(
        "floating_ips_associated_not_active",
        "Floating IPs that are associated and not ACTIVE.",
        "neutron.floatingips WHERE fixed_ip_address IS NOT NULL AND status <> 'ACTIVE'",
    ),
    Metric(
        "floating_ip",
        "A floating IP; 1.",
        "SELECT id, floating_network_id, router_id, status, project_id, floating_ip_address, 1 AS value"
        " FROM neutron.floatingips",
        ("id", "floating_network_id", "router_id", "status", "project_id", "floating_ip_address"),
    ),
    count("networks", "Networks.", "neutron.networks"),
    Metric(
        "network",
        "The number of a network's status.",
        "SELECT n.id, n.project_id AS tenant_id, n.status, n.name,"
        f" {boolean(_SHARED)} AS is_shared,"
        f" {boolean(_EXTERNAL)} AS is_external,"
        " g.network_type AS provider_network_type, g.physical_network AS provider_physical_network,"
        f" g.segmentation_id AS provider_segmentation_id, {_SUBNETS} AS subnets, {_TAGS.format(of='n')} AS tags,"
        f" n.mtu, {number_of('n.status', _NETWORK_STATUSES)} AS value FROM neutron.networks AS n"
        " LEFT JOIN neutron.networksegments AS g ON g.network_id = n.id AND g.segment_index = 0",
        ("id", "tenant_id", "status", "name", "is_shared", "is_external", "provider_network_type",
         "provider_physical_network", "provider_segmentation_id", "subnets", "tags", "mtu"),
    ),
    count("security_groups", "Security groups.", "neutron.securitygroups"),
    count("subnets", "Subnets.", "neutron.subnets"),
    Metric(
        "subnet",
        "A subnet; 1.",
        "SELECT s.id, s.project_id AS tenant_id, s.name, s.network_id, s.cidr, s.gateway_ip,"
        f" {boolean('s.enable_dhcp')} AS enable_dhcp, {_SERVERS} AS dns_nameservers, {_TAGS.format(of='s')} AS tags,"
        " 1 AS value FROM neutron.subnets AS s",
        ("id", "tenant_id", "name", "network_id", "cidr", "gateway_ip", "enable_dhcp", "dns_nameservers", "tags"),
    ),
    count("ports", "Ports.", "neutron.ports"),
    count(
        "ports_no_ips",
        "Ports that are ACTIVE and have no address.",
        "neutron.ports AS p WHERE p.status = 'ACTIVE'"
        " AND NOT EXISTS (SELECT 1 FROM neutron.ipallocations AS i WHERE i.port_id = p.id)",
    ),
    count(
        "ports_lb_not_active",
        "Ports of load balancers of Neutron's own that are not ACTIVE.",
        "neutron.ports WHERE device_owner = 'neutron:LOADBALANCERV2' AND status <> 'ACTIVE'",
    ),
    Metric(
        "port",
        "A port; 1.",
        "SELECT p.id AS uuid, p.network_id, p.mac_address, p.device_owner, p.device_id, p.status,"
        f" {_VIF} AS binding_vif_type, {boolean('p.admin_state_up')} AS admin_state_up,"
        f" {_ADDRESSES} AS fixed_ips, 1 AS value FROM neutron.ports AS p",
        ("uuid", "network_id", "mac_address", "device_owner", "device_id", "status", "binding_vif_type",
         "admin_state_up", "fixed_ips"),
    ),
    count("routers", "Routers.", "neutron.routers"),
    count("routers_not_active", "Routers that are not ACTIVE.", "neutron.routers WHERE status <> 'ACTIVE'"),
    Metric(
        "router",
        "A router; 1.",
        f"SELECT r.id, r.name, r.project_id, {boolean('r.admin_state_up')} AS admin_state_up, r.status,"
        " p.network_id AS external_network_id, 1 AS value FROM neutron.routers AS r"
        " LEFT JOIN neutron.ports AS p ON p.id = r.gw_port_id",
        ("id", "name", "project_id", "admin_state_up", "status", "external_network_id"),
    ),
    _of_subnet(
        "network_ip_availabilities_total",
        "Addresses in an IPv4 subnet's allocation pools.",
        "SELECT SUM(INET_ATON(a.last_ip) - INET_ATON(a.first_ip) + 1) FROM neutron.ipallocationpools AS a"
        " WHERE a.subnet_id = s.id",
    ),
    _of_subnet(
        "network_ip_availabilities_used",
        "Addresses of an IPv4 subnet that ports have.",
        "SELECT COUNT(*) FROM neutron.ipallocations AS i WHERE i.subnet_id = s.id",
    ),
)  # fmt: skip
GROUP = Group("network", "openstack_neutron", (*METRICS, *quotas.NEUTRON))
