"""Flavors that only some tenants may use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from onestack.workloads.kind.session import Collector, Session
from onestack.workloads.kind.sharing import Sharing


class FlavorAccess(Sharing):
    name, service = "flavor access", "compute"
    administrative = True
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
