"""Subnets connected to routers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from onestack.workloads.kind.base import Removal
from onestack.workloads.kind.link import Link
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Collector, Index, Rest, Session
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address

OWNER = "network:router_interface"


def address(router: Address, subnet: Address) -> Address:
    """The address of a subnet's connection to a router."""
    return Address("router interface", (*router.path, *subnet.path[-2:]))


class Interfaces(Link):
    name, service = "router interface", "network"
    ends = ("router", "subnet")
    removable = True
    removed_after = ("floating ip",)
    deleted_with_parent = False

    def address_of(self, *ends: Address) -> Address:
        return address(*ends)

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        for router, place in scope.items("routers"):
            here = Address("router", (*scope.path, router.name))
            for network in router.networks:
                for subnet in scope.network(network)[1]:
                    yield self.linked(here, subnet, place=place)

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        for port in collector.all("network", "/ports", "ports"):
            if port["device_owner"].startswith(OWNER):
                for at in port["fixed_ips"]:
                    yield {"router": port["device_id"], "subnet": at["subnet_id"]}

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        return self.between(index, raw["router"], raw["subnet"])

    def link(self, session: Session, *ids: str) -> None:
        session.rest(self.service).put(f"/routers/{ids[0]}/add_router_interface", {"subnet_id": ids[1]})

    def unlink(self, session: Session, *ids: str) -> None:
        session.rest(self.service).put(f"/routers/{ids[0]}/remove_router_interface", {"subnet_id": ids[1]})

    def removals(self, rest: Rest, project: str, *, everyone: bool) -> Iterator[Removal]:
        for router in rest.all("/routers", "routers", project_id=project):
            for port in rest.all("/ports", "ports", device_id=router["id"]):
                if port["device_owner"].startswith(OWNER):
                    yield Removal(port["id"], f"/routers/{router['id']}/remove_router_interface")

    def remove(self, removal: Removal, rest: Rest) -> None:
        rest.put(removal.path, {"port_id": removal.name})
