"""QoS policies, each with at most one bandwidth limit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from onestack.core.errors import Place
from onestack.language.types import Int, Text, example
from onestack.language.words import (
    Named,
)
from onestack.workloads.kind.base import Kind, Listed
from onestack.workloads.kind.existing import Existing
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Collector, Session
from onestack.workloads.plan.model import Observed, Wanted

_LIMIT = "bandwidth_limit"


class QosPolicy(Named):
    """A limit on a port's bandwidth."""

    model_config = example("""\
tenants:
  - name: shop
    qos_policies:
      - {name: slow, max_kbps: 10000, direction: egress}
""")

    max_kbps: Annotated[Int, Field(ge=1)] | None = None
    """The bandwidth limit, in kilobits a second."""
    direction: Literal["ingress", "egress"] = "egress"
    """The direction of the limit."""
    description: Text = ""
    """Its description, free text."""


class QosPolicies(Kind):
    name, service = "qos policy", "network"
    administrative = True
    key = "qos_policies"
    in_tenant = Listed(QosPolicy, "QoS policies, which limit the bandwidth of ports.")
    path, one, many = "/qos/policies", "policy", "policies"
    fields = ("name", "description", _LIMIT)

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        limit = {"max_kbps": item.max_kbps, "direction": item.direction} if item.max_kbps else None
        return self.of_tenant(scope, item.name, place, {_LIMIT: limit, **given(item, "description")})

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        for raw in collector.all(self.service, self.path, self.many):
            limits = [rule for rule in raw["rules"] if rule["type"] == _LIMIT]
            limit = {key: limits[0][key] for key in ("max_kbps", "direction")} if limits else None
            yield {**raw, _LIMIT: limit}

    def create(self, wanted: Wanted, session: Session) -> str:
        ident = super().create(wanted, session)
        self._limit(session, ident, wanted.fields[_LIMIT])
        return ident

    def body(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in fields.items() if key != _LIMIT}

    def send(self, session: Session, ident: str, body: dict[str, Any]) -> None:
        if _LIMIT in body:
            self._limit(session, ident, body.pop(_LIMIT))
        if body:
            super().send(session, ident, body)

    def _limit(self, session: Session, ident: str, limit: dict[str, Any] | None) -> None:
        rest, rules = session.rest(self.service), f"{self.path}/{ident}/bandwidth_limit_rules"
        for rule in rest.all(rules, "bandwidth_limit_rules"):
            rest.delete(f"{rules}/{rule['id']}")
        if limit:
            rest.post(rules, {"bandwidth_limit_rule": limit})

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        if len(there.raw(one)["rules"]) > 1 or (there.raw(one)["rules"] and not one.fields[_LIMIT]):
            there.comment(one, "not said: its further rules")
        limit = one.fields[_LIMIT] or {}
        return {"name": one.address.path[-1], **limit, "description": one.fields["description"] or ""}
