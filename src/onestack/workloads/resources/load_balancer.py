"""Load balancers. Their address is at a port of OneStack's own, as servers' are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from onestack.core import wait
from onestack.core.errors import Place
from onestack.workloads.kind.base import READY_SECONDS, Kind
from onestack.workloads.kind.ownership import InTags
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Hands
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, Value
from onestack.workloads.resources.port import of_balancer

PATH = "/lbaas/loadbalancers"


class LoadBalancers(Kind):
    name, service = "load balancer", "load-balancer"
    key = "load_balancers"
    path, one, many = PATH, "loadbalancer", "loadbalancers"
    marking = InTags()
    slow = True
    fields = ("name", "description", "vip_port_id", "provider", "admin_state_up")
    refs = {"vip_port_id": "port"}  # noqa: RUF012
    fixed = frozenset({"vip_port_id", "provider"})

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        fields: dict[str, Value] = {"vip_port_id": Ref(of_balancer(scope, item)), "admin_state_up": True}
        fields |= given(item, "description", "provider")
        subnets = _listed(scope, item)
        # A port in two families has two addresses, and Octavia wants to be told which is the balancer's.
        once: dict[str, Value] = {"vip_subnet_id": Ref(subnets[0])} if len(subnets) > 1 else {}
        return self.of_tenant(scope, item.name, place, fields, once=once)

    def delete(self, there: Observed, hands: Hands) -> None:
        hands.rest(self.service).delete(f"{self.path}/{there.id}?cascade=true")


def _listed(scope: Scope, item: Any) -> list[Address]:
    """The subnets that its address may be of, those of IPv4 first."""
    found, subnets = scope.network(item.network)
    outer = scope if found.address.path[:-1] == scope.path else Scope(scope.spec)
    sections = {
        Address("subnet", (*found.address.path, each.name or network.name)): each
        for network, _ in outer.items("networks")
        if network.name == item.network
        for each in network.subnets
    }
    fits = [one for one in subnets if item.address is None or item.address in sections[one].cidr]
    return sorted(fits, key=lambda one: sections[one].cidr.version) if len(subnets) > 1 else []


class Turns:
    """Octavia changes a balancer one thing at a time, and refuses what comes meanwhile: so they queue here."""

    def __init__(self) -> None:
        self._locks: defaultdict[str, Lock] = defaultdict(Lock)

    @contextmanager
    def at(self, balancer: str, hands: Hands) -> Iterator[None]:
        """Wait for the balancer, do the body, wait until it has taken it."""
        with self._locks[balancer]:
            _settled(balancer, hands)
            yield
            _settled(balancer, hands)


def _settled(balancer: str, hands: Hands) -> None:
    def look() -> tuple[bool, str]:
        seen = hands.rest("load-balancer").get(f"{PATH}/{balancer}")["loadbalancer"]["provisioning_status"]
        return not str(seen).startswith("PENDING"), str(seen)

    wait.until(f"load balancer {balancer} to settle", look, seconds=READY_SECONDS, every=0.3)


TURNS = Turns()


def in_turn(balancer: str, hands: Hands, body: Callable[[], Any]) -> Any:
    """`body`, when it is its turn at the balancer."""
    with TURNS.at(balancer, hands):
        return body()
