"""What one tenant has and others may use: networks, images, flavors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from onestack.workloads.kind.link import Link
from onestack.workloads.kind.ownership import KEY
from onestack.workloads.kind.scope import Scope, tenant_path
from onestack.workloads.kind.session import Collector, Index, Session
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address


class Sharing(Link):
    """`shares`: where the spec lists what is shared; `among`: the key that names the tenants."""

    shares: ClassVar[str]
    among: ClassVar[str]

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        domains = {tenant.name: tenant.domain for tenant in scope.spec.tenants}
        for item, place in scope.items(self.shares):
            for tenant in getattr(item, self.among):
                what = Address(self.ends[0], (*scope.path, item.name))
                yield self.linked(what, Address("tenant", tenant_path(tenant, domains[tenant])), place=place)

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        return self.between(index, raw["what"], raw["tenant"])


class SharedNetworks(Sharing):
    name, service = "network sharing", "network"
    ends = ("network", "tenant")
    shares, among = "networks", "shared_with"
    path = "/rbac-policies"

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        for raw in collector.all(self.service, self.path, "rbac_policies"):
            if raw["object_type"] == "network" and raw["action"] == "access_as_shared":
                yield {"what": raw["object_id"], "tenant": raw["target_tenant"]}

    def link(self, session: Session, *ids: str) -> None:
        body = {"object_type": "network", "object_id": ids[0], "action": "access_as_shared"}
        session.rest(self.service).post(self.path, {"rbac_policy": {**body, "target_tenant": ids[1]}})

    def unlink(self, session: Session, *ids: str) -> None:
        rest = session.rest(self.service)
        for policy in rest.all(self.path, "rbac_policies", object_id=ids[0], target_tenant=ids[1]):
            rest.delete(f"{self.path}/{policy['id']}")


class ImageMembers(Sharing):
    name, service = "image member", "image"
    ends = ("image", "tenant")
    shares, among = "images", "members"

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        images = collector.all("image", "/images", "images")
        ours = [raw["id"] for raw in images if KEY in raw and raw["visibility"] == "shared"]
        lists = collector.each(
            ours, lambda image: collector.all("image", f"/images/{image}/members", "members")
        )
        for image, members in zip(ours, lists, strict=True):
            yield from ({"what": image, "tenant": member["member_id"]} for member in members)

    def link(self, session: Session, *ids: str) -> None:
        rest = session.rest(self.service)
        rest.post(f"/images/{ids[0]}/members", {"member": ids[1]})
        # Else it would not be in the tenant's list until somebody there says yes.
        rest.put(f"/images/{ids[0]}/members/{ids[1]}", {"status": "accepted"})

    def unlink(self, session: Session, *ids: str) -> None:
        session.rest(self.service).delete(f"/images/{ids[0]}/members/{ids[1]}")


class FlavorAccess(Sharing):
    name, service = "flavor access", "compute"
    ends = ("flavor", "tenant")
    shares, among = "flavors", "tenants"

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        flavors = collector.all("compute", "/flavors/detail", "flavors", is_public="None")
        exclusive = [raw["id"] for raw in flavors if not raw["os-flavor-access:is_public"]]
        lists = collector.each(
            exclusive,
            lambda flavor: collector.all("compute", f"/flavors/{flavor}/os-flavor-access", "flavor_access"),
        )
        for flavor, tenants in zip(exclusive, lists, strict=True):
            yield from ({"what": flavor, "tenant": each["tenant_id"]} for each in tenants)

    def _act(self, session: Session, action: str, ids: tuple[str, ...]) -> None:
        session.rest(self.service).post(f"/flavors/{ids[0]}/action", {action: {"tenant": ids[1]}})

    def link(self, session: Session, *ids: str) -> None:
        self._act(session, "addTenantAccess", ids)

    def unlink(self, session: Session, *ids: str) -> None:
        self._act(session, "removeTenantAccess", ids)
