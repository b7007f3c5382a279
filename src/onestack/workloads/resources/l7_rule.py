"""Rules of L7 policies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from onestack.language.types import Bool, Section, Text, example
from onestack.workloads.kind.balancer_part import EXAMPLE, NestedPart
from onestack.workloads.kind.existing import Existing, without_none
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Index
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address


class L7Rule(Section):
    """A condition for requests."""

    model_config = example(EXAMPLE)

    type: Literal["HOST_NAME", "PATH", "FILE_TYPE", "HEADER", "COOKIE"]
    """The part of the request that is compared."""
    compare: Literal["EQUAL_TO", "STARTS_WITH", "ENDS_WITH", "CONTAINS", "REGEX"] = "EQUAL_TO"
    """How it is compared."""
    value: Text
    """The value that it is compared with."""
    key: Text | None = None
    """The header's or the cookie's name."""
    invert: Bool = False
    """Whether the condition is inverted."""


class L7Rules(NestedPart):
    """Rules have no names: a rule is identified by its condition."""

    name, parent_kind, below = "L7 rule", "L7 policy", "/lbaas/l7policies/{}/rules"
    model = L7Rule
    one, many = "rule", "rules"
    fields = ("type", "compare_type", "value", "key", "invert")

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        for balancer, parent, place in self.parts(scope):
            for listener in balancer.listeners:
                for policy in listener.policies:
                    inner = Address("L7 policy", (*parent.path, listener.name, policy.name))
                    for rule in policy.rules:
                        fields = {"type": rule.type, "compare_type": rule.compare, "value": rule.value}
                        fields |= {"key": rule.key} if rule.key else {}
                        fields["invert"] = rule.invert
                        yield self.part(inner, f"{rule.type} {rule.compare} {rule.value}", fields, place)

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        if not raw.get("name"):
            raw = {**raw, "name": f"{raw['type']} {raw['compare_type']} {raw['value']}"}
        return super().observe(raw, index)

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        fields = one.fields
        return without_none(
            type=fields["type"],
            compare=fields["compare_type"],
            value=fields["value"],
            key=fields["key"],
            invert=bool(fields["invert"]),
        )
