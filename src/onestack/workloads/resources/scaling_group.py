"""Scaling groups: a hidden image record in Glance stores the definition, and `onestack.autoscaling.autoscaler`
executes it.

A plan compares the record, never the number of members. Deleting a group deletes its members, whether an autoscaler
runs or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from onestack.autoscaling import record
from onestack.autoscaling.any_policy import AnyPolicy
from onestack.autoscaling.policy import GROUP as _GROUP
from onestack.autoscaling.record import PLACED, TEMPLATE
from onestack.autoscaling.sections import (
    GroupBalancer,
    GroupServer,
    Health,
    Hooks,
    ScaleIn,
    ScaleOut,
    Spread,
    Update,
    WarmPool,
)
from onestack.core import wait
from onestack.core.errors import PermanentError, Place
from onestack.language.quantities import Duration
from onestack.language.types import Bool, Int, Problem, example
from onestack.language.words import Named
from onestack.workloads.kind.balancer_turns import in_turn
from onestack.workloads.kind.base import GONE_SECONDS, Kind, Listed
from onestack.workloads.kind.existing import Existing, Unsayable
from onestack.workloads.kind.faults import Fault
from onestack.workloads.kind.ownership import KEY, InAttribute
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Collector, Index, Rest, Session
from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, Value
from onestack.workloads.resources.keypair import content

_REFS = {
    "image": "image",
    "flavor": "flavor",
    "network": "network",
    "security_groups": "security group",
    "pool": "pool",
    "server_group": "server group",
}
_PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}


class ScalingGroup(Named):
    """Servers whose number follows the load. `onestack scale simulate` replays a recorded load on it."""

    model_config = example(
        _GROUP + "        policies: [{type: target, metric: requests_per_second, target: 50}]\n"
    )

    min: Annotated[Int, Field(ge=1, le=1000)] = 1
    """The minimum number of members."""
    max: Annotated[Int, Field(ge=1, le=1000)]
    """The maximum number of members."""
    server: GroupServer
    """The template of members."""
    spread: Spread = Spread()
    """How members are spread over hosts and availability zones."""
    load_balancer: GroupBalancer | None = None
    """The load balancer pool that members are added to."""
    warm_up: Duration = 20.0
    """How long a member takes from its first answer until it counts as serving."""
    warm_pool: WarmPool = WarmPool()
    """Members that are created in advance."""
    health: Health = Health()
    """When a member is replaced."""
    policies: tuple[AnyPolicy, ...] = ()
    """What adds or removes members."""
    scale_out: ScaleOut = ScaleOut()
    """How fast it grows."""
    scale_in: ScaleIn = ScaleIn()
    """How the group shrinks."""
    update: Update = Update()
    """How members are updated when `server` changes."""
    hooks: Hooks = Hooks()
    """What is called before a member serves, and before it is removed."""
    suspended: Bool = False
    """Report decisions, but do not act on them."""

    def problems(self) -> Iterator[Problem]:
        if self.min > self.max:
            yield Problem(f"min {self.min} is above max {self.max}", f"at most {self.max}", path=("min",))
        for index, policy in enumerate(self.policies):
            for found in policy.problems_in(self.min, self.max):
                yield replace(found, path=("policies", index, *found.path))
        if "load_balancer" in self.health.sources and self.load_balancer is None:
            yield Problem("health from a load balancer without one", "'load_balancer'", path=("health",))


class ScalingGroups(Kind):
    name, service = "scaling group", "image"
    key = "scaling_groups"
    own_clouds_only = "OneStack's autoscaler, which works in OneStack's own clouds only, would have to run it"
    in_tenant = Listed(ScalingGroup, "Servers whose number follows the load.")
    after = ("tenant", "subnet")
    path, one, many = "/images", "image", "images"
    listed = {"os_hidden": "true", record.KIND: record.SCALING_GROUP}  # noqa: RUF012
    label_in = InAttribute()
    fields = (*TEMPLATE, *PLACED, "settings")
    refs = _REFS
    unordered = frozenset({"security_groups"})

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        network, subnets = scope.network(item.server.network)
        groups = [scope.named("security group", name) for name in item.server.security_groups or ()]
        fields: dict[str, Value] = {
            "image": scope.named("image", item.server.image),
            "flavor": scope.named("flavor", item.server.flavor),
            "network": network,
            "security_groups": sorted(groups, key=str),
            "public_key": _public_key(scope, item.server.keypair),
            "user_data": content(item.server.user_data) if item.server.user_data else None,
            "pool": None,
            "port": None,
            "server_group": None,
            "settings": item.model_dump(mode="json", by_alias=True),
        }
        needs = [*subnets, *_routers_of(scope, item.server.network)]
        if balancer := item.load_balancer:
            inner = (*scope.path, balancer.name, balancer.pool)
            fields |= {"pool": Ref(Address("pool", inner)), "port": balancer.port}
            needs.append(Address("load balancer", inner[:-1]))
        if item.spread.anti_affinity != "none":
            fields["server_group"] = Ref(Address("server group", (*scope.path, item.name)))
        create_only: dict[str, Value] = {"owner": Ref(scope.project)}
        address = Address(self.name, (*scope.path, item.name))
        return Wanted(address, fields, create_only, tuple(needs), place)

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        # Glance may ignore a filter that it does not know: check the property itself.
        listed = collector.all(self.service, self.path, self.many, **self.listed)
        return [raw for raw in listed if raw.get(record.KIND) == record.SCALING_GROUP]

    def parent(self, raw: dict[str, Any], index: Index) -> Address | None:
        return index.address("tenant", raw.get("owner"))

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        try:
            template, placed, settings = record.parsed(raw)
        except ValueError:
            template, placed, settings = {}, {}, {}
        if raw.get(record.PHASE) == record.LEAVING:
            settings = {}  # the removal was interrupted: a spec that still wants the group must create it again
        observed = super().observe({**raw, **template, **placed, "settings": _renewed(settings)}, index)
        if observed is None:
            return None
        # Members are deleted before what they use: their ports keep subnets in use, and a pool is deleted with its
        # balancer.
        needs = list(observed.needs)
        if isinstance(pool := observed.fields["pool"], Ref):
            needs.append(Address("load balancer", pool.address.path[:-1]))
        if isinstance(network := observed.fields["network"], Ref):
            needs += index.inside("subnet", network.address)
        return replace(observed, needs=tuple(needs))

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        if not one.fields["settings"]:
            raise Unsayable("its record cannot be read, or it is being deleted")
        return {**one.fields["settings"], "name": one.address.path[-1]}

    # Done.

    def create(self, wanted: Wanted, session: Session) -> str:
        body = {
            "name": wanted.address.path[-1],
            "owner": session.fill(wanted.create_only["owner"]),
            "visibility": "private",
            "os_hidden": True,
            record.KIND: record.SCALING_GROUP,
            KEY: str(self.label(wanted, session)),
            record.DEFINITION: _definition(wanted, session),
        }
        return str(session.rest(self.service).post(self.path, body)["id"])

    def update(self, change: Change, ident: str, session: Session) -> None:
        assert change.wanted is not None
        now = self.get(ident, session) or {}
        changed: dict[str, str] = {
            record.DEFINITION: _definition(change.wanted, session),
            KEY: str(self.label(change, session)),
        }
        # The present template, for a rollback; after a rollback the record already has it.
        if any(field in TEMPLATE for field in change.fields):
            template, _, _ = record.parsed(now)
            changed[record.PREVIOUS] = record.text(template, {}, {})
        if now.get(record.PHASE):
            changed[record.PHASE] = ""
        patch(session.rest(self.service), ident, changed)

    def get(self, ident: str, session: Session) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = session.rest(self.service).get(f"{self.path}/{ident}")
        except Fault as fault:
            if fault.status == 404:
                return None
            raise
        return found

    def delete(self, observed: Observed, session: Session) -> None:
        """Have the autoscaler release the group, then delete its members, then its record."""
        now = self.get(observed.id, session)
        if now is None:
            return
        patch(session.rest(self.service), observed.id, {record.PHASE: record.LEAVING})
        project, pool = str(now["owner"]), record.parsed(now)[1].get("pool")
        seen_none = 0

        def poll() -> tuple[bool, str]:
            nonlocal seen_none
            if pool:
                self._leave_pool(pool, observed.id, session)
            left = _members(project, observed.id, session)
            for server in left:
                session.rest("compute").delete(f"/servers/{server['id']}")
            # Two passes: the second one finds members that an autoscaler was still creating when the group was
            # marked.
            seen_none = 0 if left else seen_none + 1
            return seen_none >= 2, f"{len(left)} members"

        wait.until(f"the members of {observed.address} to be gone", poll, seconds=GONE_SECONDS, every=0.7)
        session.rest(self.service).delete(f"{self.path}/{observed.id}")

    def _leave_pool(self, pool: str, ident: str, session: Session) -> None:
        rest = session.rest("load-balancer")
        try:
            members = rest.all(f"/lbaas/pools/{pool}/members", "members")
            balancer = rest.get(f"/lbaas/pools/{pool}")["pool"]["loadbalancers"][0]["id"]
        except Fault as fault:
            if fault.status == 404:
                return
            raise
        for member in members:
            if f"{record.TAG}:{ident}" in (member.get("tags") or ()):
                path = f"/lbaas/pools/{pool}/members/{member['id']}"
                in_turn(balancer, session, lambda p=path: rest.delete(p))  # type: ignore[misc]


def pool_problems(groups: tuple[ScalingGroup, ...], pools: dict[str, tuple[str, ...]]) -> Iterator[Problem]:
    """Problems between a tenant's groups and its load balancers (`pools`: the pools of each)."""
    for index, group in enumerate(groups):
        balancer = group.load_balancer
        if balancer is None or balancer.name not in pools or balancer.pool in pools[balancer.name]:
            continue
        yield Problem(
            f"the load balancer '{balancer.name}' has no pool '{balancer.pool}'",
            f"one of {', '.join(pools[balancer.name]) or 'none: list it under its pools'}",
            path=("scaling_groups", index, "load_balancer", "pool"),
        )


def patch(rest: Rest, ident: str, changed: Mapping[str, str]) -> None:
    """Change properties of a record. Raises PermanentError if it is being deleted."""
    now = rest.get(f"/images/{ident}")
    if now.get(record.PHASE) == record.LEAVING and record.PHASE not in changed:
        raise PermanentError(f"the scaling group {now['name']} is being deleted")
    steps = [
        {"op": "replace" if key in now else "add", "path": f"/{key}", "value": value}
        for key, value in changed.items()
    ]
    rest.call("PATCH", f"/images/{ident}", json=steps, headers=_PATCH)


def _definition(wanted: Wanted, session: Session) -> str:
    fields = session.fill(dict(wanted.fields))
    template = {key: fields[key] for key in TEMPLATE}
    placed = {key: fields[key] for key in PLACED}
    try:
        return record.text(template, placed, fields["settings"])
    except ValueError as error:
        raise PermanentError(str(error), where=wanted.place, hint="make its user data shorter") from error


def _members(project: str, ident: str, session: Session) -> list[dict[str, Any]]:
    listed = session.rest("compute").all(
        "/servers/detail", "servers", all_tenants="1", project_id=project, tags=record.TAG
    )
    return [server for server in listed if server["metadata"].get(record.GROUP) == ident]


def _public_key(scope: Scope, name: str | None) -> Value:
    for item, _ in scope.items("keypairs"):
        if item.name == name:
            return content(item.public_key)
    return None


def _routers_of(scope: Scope, network: str) -> Iterator[Address]:
    """The routers of a network: members use them, so they are deleted after the members."""
    for router, _ in scope.items("routers"):
        if network in router.networks:
            yield Address("router", (*scope.path, router.name))


def _renewed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in the form of this version; another version may have used other keys for the same."""
    try:
        kept = ScalingGroup.model_validate(record.without_empty(settings))
    except ValueError:
        return dict(settings)
    return kept.model_dump(mode="json", by_alias=True)
