"""Security groups. Neutron makes two rules in each new one, and a group `default` in each tenant."""

from __future__ import annotations

from typing import Any

from onestack.core.errors import Place
from onestack.plan.model import Wanted
from onestack.resources.kind import Kind
from onestack.resources.scope import Scope, given


class SecurityGroups(Kind):
    name, service = "security group", "network"
    key = "security_groups"
    path, one, many = "/security-groups", "security_group", "security_groups"
    fields = ("name", "description")

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        return self.of_tenant(scope, item.name, place, given(item, "description"))
