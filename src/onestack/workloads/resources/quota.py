"""Tenants' quotas, service by service. A quota always exists: it is updated, never created."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from onestack.language.types import Section, example
from onestack.language.words import Limit
from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.existing import Existing
from onestack.workloads.kind.ownership import Inherited
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Collector, Index, Session
from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Address

Most = Limit | None
_USUAL = "usual"


class Form(NamedTuple):
    """The form of a service's quota API. `usual`: the path of what a project has that has no quota of its own."""

    service: str
    path: str
    one: str
    usual: str


FORMS = {
    "compute": Form("compute", "/os-quota-sets", "quota_set", "/os-quota-sets/{}/defaults"),
    "network": Form("network", "/quotas", "quota", "/quotas/{}/default"),
    "volume": Form("block-storage", "/os-quota-sets", "quota_set", "/os-quota-sets/{}/defaults"),
    "load_balancer": Form("load-balancer", "/lbaas/quotas", "quota", "/lbaas/quotas/defaults"),
}


@dataclass(frozen=True)
class Word:
    """The name of a limit in the API."""

    word: str


class QuotaSection(Section):
    """A tenant's quota of one service. The kinds describe the keys, and may add further ones (`spec.compose`)."""

    def limits(self) -> dict[str, int]:
        """The limits in the spec, by the API's names."""
        limits = {key: getattr(self, key) for key in sorted(self.model_fields_set)}
        return {self._word(key): limit for key, limit in limits.items() if limit is not None}

    def _word(self, key: str) -> str:
        known = type(self).model_fields[key].metadata
        return next(one.word for one in known if isinstance(one, Word))


class ComputeQuota(QuotaSection):
    """A tenant's Nova quota."""

    model_config = example(
        "tenants: [{name: shop, quota: {compute: {instances: 20, cores: 40, ram: 81920}}}]\n"
    )

    instances: Most = None
    cores: Most = None
    ram: Most = None
    key_pairs: Most = None
    server_groups: Most = None
    server_group_members: Most = None
    metadata_items: Most = None


class NetworkQuota(QuotaSection):
    """A tenant's Neutron quota."""

    model_config = example("tenants: [{name: shop, quota: {network: {networks: 4, floating_ips: 5}}}]\n")

    networks: Most = None
    subnets: Most = None
    ports: Most = None
    routers: Most = None
    floating_ips: Most = None
    security_groups: Most = None
    security_group_rules: Most = None


class VolumeQuota(QuotaSection):
    """A tenant's Cinder quota."""

    model_config = example("tenants: [{name: shop, quota: {volume: {volumes: 10, gigabytes: 200}}}]\n")

    volumes: Most = None
    gigabytes: Most = None
    snapshots: Most = None
    backups: Most = None
    backup_gigabytes: Most = None
    per_volume_gigabytes: Most = None


class BalancerQuota(QuotaSection):
    """A tenant's Octavia quota."""

    model_config = example("tenants: [{name: shop, quota: {load_balancer: {load_balancers: 2}}}]\n")

    load_balancers: Most = None
    listeners: Most = None
    pools: Most = None
    members: Most = None
    health_monitors: Most = None


class Quota(Section):
    """A tenant's quotas; -1: unlimited. Keys that are not set keep OpenStack's defaults."""

    model_config = example("""\
tenants:
  - name: shop
    quota:
      compute: {instances: 20, cores: 40, ram: 81920}
      network: {floating_ips: 5}
""")

    compute: ComputeQuota = ComputeQuota()
    """Quotas of Nova: servers, vCPUs, memory and others."""
    network: NetworkQuota = NetworkQuota()
    """Quotas of Neutron: networks, ports, routers and others."""
    volume: VolumeQuota = VolumeQuota()
    """Quotas of Cinder: volumes, snapshots and backups."""
    load_balancer: BalancerQuota = BalancerQuota()
    """Quotas of Octavia: load balancers and their parts."""


class Quotas(Kind):
    name, service = "quota", "identity"
    administrative = True
    label_in = Inherited()
    deleted_with_parent = True

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        if scope.tenant is None:
            return
        for key in FORMS:
            if limits := getattr(scope.tenant.quota, key).limits():
                address = Address(self.name, (*scope.path, key))
                yield Wanted(address, limits, {}, (scope.project,), scope.place("quota", key))

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        wanted = {address.path for address in collector.wanted if address.kind == self.name}
        projects = {raw["name"]: raw["id"] for raw in collector.all("identity", "/projects", "projects")}
        pairs = [
            (path[-1], projects[name])
            for path in sorted(wanted)
            if (name := path[0].partition("@")[0]) in projects
        ]
        if collector.everything:
            pairs = [
                (key, project)
                for project in projects.values()
                for key in FORMS
                if collector.has(FORMS[key].service)
            ]

        def ask(key: str, path: str) -> dict[str, Any]:
            form = FORMS[key]
            limits: dict[str, Any] = collector.all(form.service, path, form.one)  # type: ignore[assignment]
            return limits

        def read(one: tuple[str, str]) -> dict[str, Any]:
            key, project = one
            limits = ask(key, f"{FORMS[key].path}/{project}")
            usual = ask(key, FORMS[key].usual.format(project)) if collector.everything else {}
            return {"id": project, "key": key, "limits": limits, _USUAL: usual}

        return collector.each(pairs, read)

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        tenant = index.address("tenant", raw["id"])
        if tenant is None:
            return None
        address = Address(self.name, (*tenant.path, raw["key"]))
        # Defaults and set limits look the same: the owner of the tenant owns its quota.
        owner = index.inherited(tenant, address)
        return Observed(address, f"{raw['key']}|{raw['id']}", raw["limits"], owner, (tenant,))

    def _set(self, key: str, project: str, limits: Mapping[str, Any], session: Session) -> None:
        form = FORMS[key]
        session.rest(form.service).put(f"{form.path}/{project}", {form.one: dict(limits)})

    def create(self, wanted: Wanted, session: Session) -> str:
        key, project = wanted.address.path[-1], session.id(wanted.needs[0])
        self._set(key, project, wanted.fields, session)
        return f"{key}|{project}"

    def update(self, change: Change, ident: str, session: Session) -> None:
        key, project = ident.split("|")
        limits = {name: after for name, (_, after) in change.fields.items() if name != "owner"}
        if limits:
            self._set(key, project, limits, session)

    def delete(self, observed: Observed, session: Session) -> None:
        key, project = observed.id.split("|")
        session.rest(FORMS[key].service).delete(f"{FORMS[key].path}/{project}")

    def section(self, there: Existing, tenant: Address | None) -> dict[str, Any]:
        """The limits of a tenant that differ from those of tenants without a quota."""
        found: dict[str, dict[str, int]] = {}
        for one in there.inside(self.name, tenant) if tenant else ():
            key, usual = one.address.path[-1], there.raw(one)[_USUAL]
            for name, word in sorted(there.limits.get(key, {}).items()):
                limit = one.fields.get(word)
                if isinstance(limit, int) and limit != usual.get(word):
                    found.setdefault(key, {})[name] = limit
        return {"quota": found} if found else {}
