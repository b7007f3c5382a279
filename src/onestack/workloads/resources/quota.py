"""How much tenants may use, service by service. A quota is always there: it is set, never made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.ownership import Inherited
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Hands, Look, Names
from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Address


class Form(NamedTuple):
    """How a service speaks of quotas. `words`: those that differ from the spec's."""

    service: str
    path: str
    one: str
    words: Mapping[str, str]


FORMS = {
    "compute": Form("compute", "/os-quota-sets", "quota_set", {}),
    "network": Form(
        "network",
        "/quotas",
        "quota",
        {
            **{many: many[:-1] for many in ("networks", "subnets", "ports", "routers")},
            "floating_ips": "floatingip",
            "security_groups": "security_group",
            "security_group_rules": "security_group_rule",
        },
    ),
    "volume": Form("block-storage", "/os-quota-sets", "quota_set", {}),
    "load_balancer": Form(
        "load-balancer",
        "/lbaas/quotas",
        "quota",
        {
            **{many: many[:-1] for many in ("listeners", "pools", "members")},
            "load_balancers": "load_balancer",
            "health_monitors": "health_monitor",
        },
    ),
}


class Quotas(Kind):
    name, service = "quota", "identity"
    marking = Inherited()
    goes_with = True

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        if scope.tenant is None:
            return
        for key, form in FORMS.items():
            section = getattr(scope.tenant.quota, key)
            limits = {
                form.words.get(one, one): getattr(section, one) for one in sorted(section.model_fields_set)
            }
            limits = {one: limit for one, limit in limits.items() if limit is not None}
            if limits:
                address = Address(self.name, (*scope.path, key))
                yield Wanted(address, limits, {}, (scope.project,), scope.place("quota", key))

    def found(self, look: Look) -> Iterable[dict[str, Any]]:
        wanted = {address.path for address in look.wanted if address.kind == self.name}
        projects = {raw["name"]: raw["id"] for raw in look.all("identity", "/projects", "projects")}
        asked = [
            (path[-1], projects[name])
            for path in sorted(wanted)
            if (name := path[0].partition("@")[0]) in projects
        ]

        def ask(one: tuple[str, str]) -> dict[str, Any]:
            form = FORMS[one[0]]
            limits: dict[str, Any] = look.all(form.service, f"{form.path}/{one[1]}", form.one)  # type: ignore[assignment]
            return {"id": one[1], "key": one[0], "limits": limits}

        return look.each(asked, ask)

    def observe(self, raw: dict[str, Any], names: Names) -> Observed | None:
        tenant = names.address("tenant", raw["id"])
        if tenant is None:
            return None
        address = Address(self.name, (*tenant.path, raw["key"]))
        # What a quota is for whom nobody set one is the same: who owns the tenant owns it.
        return Observed(address, f"{raw['key']}|{raw['id']}", raw["limits"], names.owner(tenant), (tenant,))

    def _set(self, key: str, project: str, limits: Mapping[str, Any], hands: Hands) -> None:
        form = FORMS[key]
        hands.rest(form.service).put(f"{form.path}/{project}", {form.one: dict(limits)})

    def create(self, wanted: Wanted, hands: Hands) -> str:
        key, project = wanted.address.path[-1], hands.id(wanted.needs[0])
        self._set(key, project, wanted.fields, hands)
        return f"{key}|{project}"

    def update(self, change: Change, ident: str, hands: Hands) -> None:
        key, project = ident.split("|")
        limits = {name: after for name, (_, after) in change.fields.items() if name != "owner"}
        if limits:
            self._set(key, project, limits, hands)

    def delete(self, there: Observed, hands: Hands) -> None:
        key, project = there.id.split("|")
        hands.rest(FORMS[key].service).delete(f"{FORMS[key].path}/{project}")
