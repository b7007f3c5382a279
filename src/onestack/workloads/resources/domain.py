"""Domains."""

from __future__ import annotations

from typing import Any

from onestack.core.errors import Place
from onestack.language.types import Bool, Text, example
from onestack.language.words import Named
from onestack.workloads.kind.base import Kind, Listed
from onestack.workloads.kind.ownership import InAttribute
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Session
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address


class Domain(Named):
    """A namespace for tenants, users and groups."""

    model_config = example("""\
domains:
  - {name: acme, description: The company}
tenants:
  - {name: shop, domain: acme}
""")

    description: Text = ""
    """Its description, free text."""
    enabled: Bool = True
    """Whether its users may log in."""


class Domains(Kind):
    name, service = "domain", "identity"
    administrative = True
    key = "domains"
    in_platform = Listed(Domain, "Domains, in addition to `Default`.")
    built_in = ("Default",)
    after = ()
    path, one, many = "/domains", "domain", "domains"
    fields = ("name", "description", "enabled")
    label_in = InAttribute()
    update_verb = "PATCH"

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        fields = {"name": item.name, "enabled": item.enabled, **given(item, "description")}
        return Wanted(Address(self.name, (item.name,)), fields, place=place)

    def delete(self, observed: Observed, session: Session) -> None:
        # Keystone deletes only disabled domains.
        session.rest(self.service).patch(f"{self.path}/{observed.id}", {"domain": {"enabled": False}})
        super().delete(observed, session)
