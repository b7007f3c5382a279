"""How tenants' networks are joined: routers, networks, servers, load balancers.

From the services' databases, in one query: it is answered while the APIs are down, too, and costs no request.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from onestack.core.errors import BadInput
from onestack.observe.resources import database
from onestack.observe.resources.nova import STATUS
from onestack.platform.site import Site

SECONDS = 8.0
"""The timeout of the queries."""
MOST = 2000
"""How many servers' ports are read at most."""

_TENANT = (
    "COALESCE((SELECT t.name FROM keystone.project AS t WHERE t.id = {of}.project_id), {of}.project_id, '')"
)
_ADDRESS = """\
COALESCE((SELECT MIN(a.ip_address) FROM neutron.ipallocations AS a WHERE a.port_id = {of}), '')"""
_NETWORKS = f"""\
SELECT 'network', JSON_ARRAY(n.id, n.name, {_TENANT.format(of="n")},
       IF(EXISTS (SELECT 1 FROM neutron.externalnetworks AS e WHERE e.network_id = n.id), 1, 0),
       COALESCE((SELECT GROUP_CONCAT(s.cidr ORDER BY s.cidr SEPARATOR ', ') FROM neutron.subnets AS s
                 WHERE s.network_id = n.id), ''))
FROM neutron.networks AS n ORDER BY n.name;
SELECT 'router', JSON_ARRAY(r.id, r.name, {_TENANT.format(of="r")}, r.status, COALESCE(g.network_id, ''),
       {_ADDRESS.format(of="g.id")})
FROM neutron.routers AS r LEFT JOIN neutron.ports AS g ON g.id = r.gw_port_id ORDER BY r.name;
SELECT 'joined', JSON_ARRAY(p.device_id, p.network_id) FROM neutron.ports AS p
WHERE p.device_owner IN ('network:router_interface', 'network:ha_router_replicated_interface',
                         'network:router_interface_distributed');
"""
_SERVERS = f"""\
SELECT 'server', JSON_ARRAY(s.uuid, s.display_name, {_TENANT.format(of="s")}, {STATUS}, p.network_id,
       {_ADDRESS.format(of="p.id")},
       COALESCE((SELECT MIN(f.floating_ip_address) FROM neutron.floatingips AS f WHERE f.fixed_port_id = p.id), ''))
FROM neutron.ports AS p JOIN nova.instances AS s ON s.uuid = p.device_id AND s.deleted = 0
ORDER BY s.display_name, s.uuid, p.id LIMIT {MOST};
"""
_BALANCERS = f"""\
SELECT 'balancer', JSON_ARRAY(b.id, b.name, {_TENANT.format(of="b")}, b.operating_status, v.network_id,
       v.ip_address, '')
FROM octavia.load_balancer AS b JOIN octavia.vip AS v ON v.load_balancer_id = b.id
WHERE b.provisioning_status <> 'DELETED' ORDER BY b.name;
"""


@dataclass(frozen=True)
class Network:
    """`cidrs`: its subnets'."""

    id: str
    name: str
    tenant: str
    external: bool
    cidrs: str


@dataclass(frozen=True)
class Router:
    """`external`: the id of the network that its gateway is on, or empty; `address`: there. `networks`: the ids of
    those that it joins."""

    id: str
    name: str
    tenant: str
    status: str
    external: str
    address: str
    networks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Station:
    """A server or a load balancer, at one network. `others`: the ids of further networks that it is at.
    `floating`: its floating IP, or empty."""

    kind: str
    id: str
    name: str
    tenant: str
    status: str
    network: str
    address: str
    floating: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Topology:
    """`more`: whether there are servers that are not listed."""

    networks: list[Network] = field(default_factory=list)
    routers: list[Router] = field(default_factory=list)
    stations: list[Station] = field(default_factory=list)
    more: bool = False

    @property
    def tenants(self) -> list[str]:
        """Those that have anything."""
        everything: tuple[Network | Router | Station, ...] = (*self.networks, *self.routers, *self.stations)
        return sorted({each.tenant for each in everything})

    def of(self, tenant: str) -> Topology:
        """What one tenant has, the networks of others that it uses included."""
        routers = [each for each in self.routers if each.tenant == tenant]
        stations = [each for each in self.stations if each.tenant == tenant]
        used = {each.external for each in routers} | {one for each in routers for one in each.networks}
        used |= {one for each in stations for one in (each.network, *each.others)}
        networks = [each for each in self.networks if each.tenant == tenant or each.id in used]
        return Topology(networks, routers, stations, self.more)


def now(site: Site) -> Topology:
    """The topology now. Raises BadInput for a cloud without networks, CommandFailed."""
    services = site.view.cloud.services
    if "network" not in services:
        raise BadInput("this cloud does not run network", hint="platform.services in the spec")
    sql = _NETWORKS + (_SERVERS if "compute" in services else "")
    sql += _BALANCERS if "load-balancer" in services else ""
    return parse(database.ask(site, sql, SECONDS))


def parse(output: str) -> Topology:
    """The rows of the queries' output."""
    rows: dict[str, list[list[str]]] = {}
    for kind, values in database.rows(output):
        rows.setdefault(kind, []).append(values)
    joined: dict[str, list[str]] = {}
    for router, network in rows.get("joined", ()):
        joined.setdefault(router, []).append(network)
    stations = [
        *_stations("server", rows.get("server", ())),
        *_stations("balancer", rows.get("balancer", ())),
    ]
    networks = [
        Network(ident, name, tenant, bool(external), cidrs)
        for ident, name, tenant, external, cidrs in rows.get("network", ())
    ]
    routers = [
        Router(ident, name, tenant, status, external, address, tuple(dict.fromkeys(joined.get(ident, ()))))
        for ident, name, tenant, status, external, address in rows.get("router", ())
    ]
    return Topology(networks, routers, stations, len(rows.get("server", ())) >= MOST)


def _stations(kind: str, rows: Iterable[list[str]]) -> list[Station]:
    """A row for each port becomes one for each object, at the network of its first port."""
    found: dict[str, list[list[str]]] = {}
    for each in rows:
        found.setdefault(each[0], []).append(each)
    made = []
    for ident, ports in found.items():
        _, name, tenant, status, network, address, _ = ports[0]
        floating = next((each[6] for each in ports if each[6]), "")
        others = tuple(dict.fromkeys(each[4] for each in ports[1:] if each[4] != network))
        made.append(Station(kind, ident, name, tenant, status, network, address, floating, others))
    return made
