"""Networks that other tenants may use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from onestack.workloads.kind.session import Collector, Session
from onestack.workloads.kind.sharing import Sharing


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
