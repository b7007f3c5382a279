"""Load balancers. Their virtual IP is on a port that OneStack creates, as for servers."""

from __future__ import annotations

from typing import Any

from onestack.core import wait
from onestack.core.errors import Place
from onestack.language.types import IPAddress, Text, example
from onestack.language.words import Named, NetworkRef
from onestack.workloads.kind.balancer_part import EXAMPLE
from onestack.workloads.kind.balancer_turns import PATH
from onestack.workloads.kind.base import READY_SECONDS, Kind, Limit, Listed, Removal
from onestack.workloads.kind.existing import Existing, Unsayable, without_none
from onestack.workloads.kind.faults import Fault
from onestack.workloads.kind.ownership import InTags
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Rest, Session
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, Value
from onestack.workloads.resources.floating_ip import network_of_own
from onestack.workloads.resources.listener import Listener
from onestack.workloads.resources.pool import Pool
from onestack.workloads.resources.port import of_balancer


class LoadBalancer(Named):
    """A load balancer: one address in front of several servers."""

    model_config = example(EXAMPLE)

    network: NetworkRef
    """The network of its virtual IP."""
    address: IPAddress | None = None
    """Its virtual IP address; default: a free one."""
    floating_ip: NetworkRef | None = None
    """The external network of its floating IP."""
    provider: Text | None = None
    """Octavia's provider; default: the platform's default provider."""
    pools: tuple[Pool, ...] = ()
    """Its pools: the servers that requests are sent to."""
    listeners: tuple[Listener, ...] = ()
    """Its listeners: the ports on which requests arrive."""
    description: Text = ""
    """Its description, free text."""


class LoadBalancers(Kind):
    name, service = "load balancer", "load-balancer"
    key = "load_balancers"
    in_tenant = Listed(LoadBalancer, "Load balancers, which distribute requests to servers.")
    removable = True
    limits = {"load_balancers": Limit("load_balancer", "Load balancers.")}  # noqa: RUF012
    path, one, many = PATH, "loadbalancer", "loadbalancers"
    label_in = InTags()
    asynchronous = True
    fields = ("name", "description", "vip_port_id", "provider", "admin_state_up")
    refs = {"vip_port_id": "port"}  # noqa: RUF012
    immutable = frozenset({"vip_port_id", "provider"})

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        fields: dict[str, Value] = {"vip_port_id": Ref(of_balancer(scope, item)), "admin_state_up": True}
        fields |= given(item, "description", "provider")
        subnets = _listed(scope, item)
        # A dual-stack port has two addresses: Octavia must know which is the virtual IP.
        create_only: dict[str, Value] = {"vip_subnet_id": Ref(subnets[0])} if len(subnets) > 1 else {}
        return self.of_tenant(scope, item.name, place, fields, create_only=create_only)

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        here, vip = one.address.path[:-1], one.fields["vip_port_id"]
        port = there.get(vip.address) if isinstance(vip, Ref) else None
        network = port.fields["network_id"] if port else None
        if port is None or not isinstance(network, Ref):
            raise Unsayable("its virtual IP is on a port that is not there")
        if port.address.path != (*here, f"{one.address.path[-1]}.{network.address.path[-1]}"):
            raise Unsayable(f"its virtual IP is on {port.address}: a spec creates a balancer's port with it")
        addresses = port.fields["fixed_ips"] or ()
        return without_none(
            name=one.address.path[-1],
            network=there.name(network, here),
            address=addresses[0]["ip_address"] if there.addresses and addresses else None,
            floating_ip=network_of_own(one, there),
            provider=one.fields["provider"],
            description=one.fields["description"],
            pools=there.nested("pool", one.address),
            listeners=there.nested("listener", one.address),
        )

    def delete(self, observed: Observed, session: Session) -> None:
        session.rest(self.service).delete(f"{self.path}/{observed.id}?cascade=true")

    def remove(self, removal: Removal, rest: Rest) -> None:
        """Delete it in cascade, when no other change of it is pending."""

        def poll() -> tuple[bool, str]:
            try:
                status = self.status(rest.get(removal.path)[self.one])
            except Fault as fault:
                if fault.status != 404:
                    raise
                status = "DELETED"
            return not status.startswith("PENDING_") or status == "PENDING_DELETE", status

        settled = wait.until(f"{removal.name} to settle", poll, seconds=READY_SECONDS, every=0.2)
        if settled in ("ACTIVE", "ERROR"):
            rest.delete(f"{removal.path}?cascade=true")


def _listed(scope: Scope, item: Any) -> list[Address]:
    """The subnets in which its address can be, IPv4 first."""
    found, subnets = scope.network(item.network)
    parent = scope if found.address.path[:-1] == scope.path else Scope(scope.spec)
    sections = {
        Address("subnet", (*found.address.path, each.name or network.name)): each
        for network, _ in parent.items("networks")
        if network.name == item.network
        for each in network.subnets
    }
    fits = [one for one in subnets if item.address is None or item.address in sections[one].cidr]
    return sorted(fits, key=lambda one: sections[one].cidr.version) if len(subnets) > 1 else []
