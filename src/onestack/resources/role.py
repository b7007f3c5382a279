"""Roles."""

from __future__ import annotations

from typing import Any

from onestack.core.errors import Place
from onestack.plan.model import Wanted
from onestack.plan.values import Address
from onestack.resources.kind import Kind
from onestack.resources.marks import InAttribute
from onestack.resources.scope import Scope, given


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
