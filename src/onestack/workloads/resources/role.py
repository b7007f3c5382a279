"""Roles."""

from __future__ import annotations

from typing import Any

from onestack.core.errors import Place
from onestack.language.types import Text, example
from onestack.language.words import Named
from onestack.workloads.kind.base import Kind, Listed
from onestack.workloads.kind.ownership import InAttribute
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.plan.model import Wanted
from onestack.workloads.plan.values import Address


class Role(Named):
    """A role, in addition to those that every cloud has (admin, manager, member, reader, service)."""

    model_config = example("""\
roles:
  - {name: auditor, description: May read everything}
""")

    description: Text = ""
    """Its description, free text."""


class Roles(Kind):
    name, service = "role", "identity"
    administrative = True
    key = "roles"
    in_platform = Listed(Role, "Roles, in addition to those that every cloud has.")
    built_in = ("admin", "manager", "member", "reader", "service")
    after = ("domain",)
    path, one, many = "/roles", "role", "roles"
    fields = ("name", "description")
    label_in = InAttribute()
    update_verb = "PATCH"

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        fields = {"name": item.name, **given(item, "description")}
        return Wanted(Address(self.name, (item.name,)), fields, place=place)
