"""Security groups. Neutron creates two rules in each new one, and a group `default` in each tenant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from onestack.core.errors import Place
from onestack.language.types import Bool, Text, example
from onestack.language.words import (
    Named,
)
from onestack.workloads.kind.base import Kind, Limit, Listed, Removal
from onestack.workloads.kind.existing import Existing, without_none
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Collector, Index, Rest, Session
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address
from onestack.workloads.resources.security_group_rule import (
    DEFAULT,
    UNLIMITED,
    Rule,
    is_untouched,
    relevant_groups,
)


class SecurityGroup(Named):
    """The traffic to and from servers that is allowed."""

    model_config = example("""\
tenants:
  - name: shop
    security_groups:
      - {name: web, rules: [{protocol: tcp, ports: 80}, {protocol: tcp, ports: 443}]}
""")

    rules: tuple[Rule, ...] = ()
    """The complete list of its rules: a rule created by hand is deleted."""
    egress: Bool = True
    """Whether servers may send to all addresses, as in OpenStack's default."""
    description: Text = ""
    """Its description, free text."""


class SecurityGroups(Kind):
    name, service = "security group", "network"
    key = "security_groups"
    in_tenant = Listed(SecurityGroup, "Security groups.")
    built_in = (DEFAULT,)
    removable = True
    removed_after = ("network",)
    limits = {"security_groups": Limit("security_group", "Security groups.")}  # noqa: RUF012
    path, one, many = "/security-groups", "security_group", "security_groups"
    fields = ("name", "description")

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        return self.of_tenant(scope, item.name, place, given(item, "description"))

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        yield from super().wanted(scope)
        if DEFAULT in scope.own(self.key):
            return
        for key in ("servers", "ports"):
            for item, place in scope.items(key):
                if DEFAULT in (item.security_groups or ()):
                    yield self.of_tenant(scope, DEFAULT, place, {})

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        """All groups, with `default` only if a spec uses it: otherwise it is Neutron's own."""
        return relevant_groups(collector, self.name)

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        observed = super().observe(raw, index)
        if observed is None or observed.owner or raw["name"] != DEFAULT:
            return observed
        # Neutron created it for the tenant: the owner of the tenant owns it.
        return replace(observed, owner=index.inherited(self.parent(raw, index), observed.address))

    def create(self, wanted: Wanted, session: Session) -> str:
        if wanted.address.path[-1] != DEFAULT:
            return super().create(wanted, session)
        # Neutron creates it at the first list of groups in the project.
        project = session.fill(wanted.create_only["project_id"])
        inside = session.rest(self.service, project)
        found = inside.all(self.path, self.many, name=DEFAULT, project_id=project)
        return str(found[0]["id"])

    def removals(self, rest: Rest, project: str, *, everyone: bool) -> Iterator[Removal]:
        """The groups to delete. The administrator may delete `default`, too; listing groups by the project's id
        would create it again."""
        for raw in rest.all(self.path, self.many):
            if raw["project_id"] == project and (everyone or raw["name"] != DEFAULT):
                yield Removal(raw["name"], f"{self.path}/{raw['id']}")

    def of_section(self, there: Existing, tenant: Address | None) -> list[Observed]:
        # Each tenant has `default`; it is said if somebody changed its rules.
        return [
            one
            for one in super().of_section(there, tenant)
            if one.address.path[-1] != DEFAULT or not is_untouched(one, there)
        ]

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        rules = there.nested("security group rule", one.address)
        both = [rule for rule in UNLIMITED if rule in rules]
        egress = len(both) == len(UNLIMITED)
        return without_none(
            name=one.address.path[-1],
            rules=[rule for rule in rules if not egress or rule not in UNLIMITED],
            egress=egress,
            description=None if one.address.path[-1] == DEFAULT else one.fields["description"],
        )
