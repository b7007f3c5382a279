"""Server groups. Nova cannot store an ownership label on them, so in tenants that belong to the spec, the groups that
it names do, too. In other projects the label is a part of the name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

from onestack.core.errors import Place
from onestack.language.types import example
from onestack.language.words import (
    Counted,
)
from onestack.workloads.kind.base import Kind, Limit, Listed
from onestack.workloads.kind.existing import Existing
from onestack.workloads.kind.ownership import Inherited, InName
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Index, Session
from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Address


class ServerGroup(Counted):
    """Servers that run on the same host, or on different hosts."""

    model_config = example("""\
tenants:
  - name: shop
    server_groups: [{name: apart, policy: soft-anti-affinity}]
""")

    policy: Literal["affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"] = "anti-affinity"
    """Whether servers run on one host (`affinity`) or on different hosts; `soft`: if possible."""


class ServerGroups(Kind):
    name, service = "server group", "compute"
    key = "server_groups"
    in_tenant = Listed(ServerGroup, "Server groups: servers on the same host, or on different hosts.")
    limits = {  # noqa: RUF012
        "server_groups": Limit("server_groups", "Server groups."),
        "server_group_members": Limit("server_group_members", "Servers in one server group."),
    }
    path, one, many = "/os-server-groups", "server_group", "server_groups"
    listed = {"all_projects": "1"}  # noqa: RUF012
    label_in = Inherited()
    in_project = True
    named = InName()
    """The label in projects that are no spec's own, where the tenant has none."""
    fields = ("name", "policy")
    immutable = frozenset(fields)

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        yield from super().wanted(scope)
        for item, place in scope.items("scaling_groups"):
            if item.spread.anti_affinity != "none":
                policy = "anti-affinity" if item.spread.anti_affinity == "hard" else "soft-anti-affinity"
                yield self.of_tenant(scope, item.name, place, {"policy": policy})

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        return self.of_tenant(scope, item.name, place, {"policy": item.policy})

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        label = self.named.take(raw)
        observed = super().observe(raw, index)
        return replace(observed, owner=label.owner) if observed and label else observed

    def mark(self, body: dict[str, Any], wanted: Wanted, session: Session) -> None:
        if session.given(wanted.address):
            self.named.put(body, self.label(wanted, session))

    def update(self, change: Change, ident: str, session: Session) -> None:
        return None

    def of_section(self, there: Existing, tenant: Address | None) -> list[Observed]:
        # A scaling group's own has its name.
        listed = super().of_section(there, tenant)
        return [one for one in listed if there.get(Address("scaling group", one.address.path)) is None]
