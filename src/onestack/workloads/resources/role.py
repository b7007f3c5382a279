"""Roles."""

from __future__ import annotations

from typing import Any

from onestack.core.errors import Place
from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.ownership import InAttribute
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.plan.model import Wanted
from onestack.workloads.plan.values import Address


class Roles(Kind):
    name, service = "role", "identity"
    key = "roles"
    path, one, many = "/roles", "role", "roles"
    fields = ("name", "description")
    marking = InAttribute()
    update_verb = "PATCH"

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        fields = {"name": item.name, **given(item, "description")}
        return Wanted(Address(self.name, (item.name,)), fields, place=place)
