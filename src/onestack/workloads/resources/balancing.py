"""What a load balancer is made of: pools, members, monitors, listeners, L7 policies and rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from onestack.core.errors import Place
from onestack.language.types import Bool, Int, IPAddress, Number, Problem, Section, Text, example
from onestack.language.words import Named, PoolRef, PortNumber, ServerRef
from onestack.workloads.kind.base import Kind, Limit
from onestack.workloads.kind.ownership import InTags
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Collector, Index, Session
from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, Value
from onestack.workloads.resources.balancer_turns import PATH, in_turn
from onestack.workloads.resources.port import of_server

EXAMPLE = """\
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    servers:
      - {name: web-1, image: tiny, flavor: m1.nano, networks: [{network: front}]}
    load_balancers:
      - name: www
        network: front
        pools:
          - name: web
            protocol: HTTP
            members: [{server: web-1, port: 80}]
            monitor: {type: HTTP, delay: 5, timeout: 3, path: /}
        listeners:
          - name: http
            protocol: HTTP
            port: 80
            pool: web
            policies:
              - {name: api, pool: web, rules: [{type: PATH, compare: STARTS_WITH, value: /api}]}
"""


Protocol = Literal["HTTP", "HTTPS", "TCP", "UDP", "PROXY"]


class Member(Section):
    """A server, or an address, that requests go to."""

    model_config = example(EXAMPLE)

    server: ServerRef | None = None
    """The server."""
    address: IPAddress | None = None
    """In place of a server: an address the balancer reaches."""
    port: PortNumber
    """Its port."""
    weight: Annotated[Int, Field(ge=0, le=256)] = 1
    """Its share; 0: no new requests."""
    backup: Bool = False
    """Whether it is used only when no other is left."""

    def problems(self) -> Iterator[Problem]:
        if (self.server is None) == (self.address is None):
            yield Problem("a server or an address", "one of 'server' and 'address'", path=("server",))


class Monitor(Section):
    """How one knows that a member answers."""

    model_config = example(EXAMPLE)

    type: Literal["HTTP", "HTTPS", "TCP", "PING", "TLS-HELLO", "UDP-CONNECT"] = "TCP"
    """What is tried."""
    delay: Annotated[Number, Field(ge=1)] = 5
    """Seconds between two tries."""
    timeout: Annotated[Number, Field(ge=1)] = 3
    """Seconds an answer may take."""
    retries: Annotated[Int, Field(ge=1, le=10)] = 3
    """Tries that must succeed, or fail, in a row."""
    path: Text | None = None
    """The path that is asked for, with HTTP."""
    codes: Text | None = None
    """The answers that count as success, with HTTP: `200`, `200-204`."""


class Pool(Named):
    """Members that requests are spread over."""

    model_config = example(EXAMPLE)

    protocol: Protocol = "HTTP"
    """What is spoken to members."""
    algorithm: Literal["ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP"] = "ROUND_ROBIN"
    """How a member is chosen."""
    members: tuple[Member, ...] = ()
    """The members."""
    monitor: Monitor | None = None
    """How one knows that they answer."""


class L7Rule(Section):
    """What a request must be like."""

    model_config = example(EXAMPLE)

    type: Literal["HOST_NAME", "PATH", "FILE_TYPE", "HEADER", "COOKIE"]
    """What is looked at."""
    compare: Literal["EQUAL_TO", "STARTS_WITH", "ENDS_WITH", "CONTAINS", "REGEX"] = "EQUAL_TO"
    """How it is compared."""
    value: Text
    """With what."""
    key: Text | None = None
    """The header's or the cookie's name."""
    invert: Bool = False
    """Whether it must not be so."""


class L7Policy(Named):
    """Requests that go elsewhere than the others of a listener."""

    model_config = example(EXAMPLE)

    rules: tuple[L7Rule, ...] = ()
    """What requests must be like, all of it."""
    pool: PoolRef | None = None
    """The pool they go to."""
    redirect_url: Text | None = None
    """The address they are sent to."""
    position: Annotated[Int, Field(ge=1)] | None = None
    """Its place among the listener's policies."""

    def problems(self) -> Iterator[Problem]:
        if self.pool and self.redirect_url:
            yield Problem("both 'pool' and 'redirect_url'", "one of them, or none: refused", path=("pool",))


class Listener(Named):
    """A port of a load balancer."""

    model_config = example(EXAMPLE)

    protocol: Protocol = "HTTP"
    """What clients speak."""
    port: PortNumber
    """The port clients reach."""
    pool: PoolRef | None = None
    """Where requests go."""
    policies: tuple[L7Policy, ...] = ()
    """Which requests go elsewhere."""
    connection_limit: Annotated[Int, Field(ge=-1)] | None = None
    """How many connections at a time."""


class BalancerPart(Kind):
    """Something of a balancer. Its path begins with its tenant and its balancer; its list is its parents'."""

    service = "load-balancer"
    label_in = InTags()
    deleted_with_parent = True
    exclusive = True
    parent_kind: ClassVar[str]
    """The kind it is in."""
    parent_key: ClassVar[str] = ""
    """The field that holds the parent's id; without one the parent is in the path."""

    @classmethod
    def reads_after(cls) -> frozenset[str]:
        return super().reads_after() | {cls.parent_kind}

    def parts(self, scope: Scope) -> Iterator[tuple[Any, Address, Place]]:
        """Every balancer, with its address and place."""
        for item, place in scope.items("load_balancers"):
            yield item, Address("load balancer", (*scope.path, item.name)), place

    def part(
        self, parent: Address, name: str, fields: Mapping[str, Value], place: Place, *needs: Address
    ) -> Wanted:
        once = {self.parent_key: Ref(parent)} if self.parent_key else {}
        return Wanted(Address(self.name, (*parent.path, name)), fields, once, (parent, *needs), place)

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        # Nothing of this is without a balancer, and most clouds have few: one question instead of six.
        balancers = collector.all(self.service, PATH, "loadbalancers")
        return collector.all(self.service, self.path, self.many) if balancers else ()

    def parent(self, raw: dict[str, Any], index: Index) -> Address | None:
        plural = raw.get(f"{self.parent_key.removesuffix('_id')}s")
        ident = raw.get(self.parent_key) or (plural[0]["id"] if plural else None)
        return index.address(self.parent_kind, ident)

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        parent = self.parent(raw, index)
        return super().observe(raw, index) if parent else None

    def balancer(self, address: Address, session: Session) -> str:
        return session.id(Address("load balancer", address.path[:2]))

    def create(self, wanted: Wanted, session: Session) -> str:
        made = super().create
        return str(in_turn(self.balancer(wanted.address, session), session, lambda: made(wanted, session)))

    def update(self, change: Change, ident: str, session: Session) -> None:
        do = super().update
        in_turn(self.balancer(change.address, session), session, lambda: do(change, ident, session))

    def delete(self, there: Observed, session: Session) -> None:
        do = super().delete
        in_turn(self.balancer(there.address, session), session, lambda: do(there, session))


class Nested(BalancerPart):
    """A part that the API keeps below its parent; its id holds the whole path."""

    below: ClassVar[str]

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        collection = self.below.partition("{")[0].rstrip("/")
        key = collection.rpartition("/")[2]
        if not collector.all(self.service, PATH, "loadbalancers"):
            return
        parents = collector.all(self.service, collection, key)
        lists = collector.each(
            parents,
            lambda parent: collector.all(self.service, self.below.format(parent["id"]), self.many),
        )
        for parent, listed in zip(parents, lists, strict=True):
            yield from (
                {**raw, "id": f"{parent['id']}|{raw['id']}", "parent": parent["id"]} for raw in listed
            )

    def parent(self, raw: dict[str, Any], index: Index) -> Address | None:
        return index.address(self.parent_kind, raw["parent"])

    def create(self, wanted: Wanted, session: Session) -> str:
        parent = session.id(wanted.needs[0])

        def make() -> str:
            body = session.fill({**wanted.fields, **wanted.once})
            self.label_in.put(body, self.label(wanted, session))
            made = session.rest(self.service).post(self.below.format(parent), {self.one: body})
            return f"{parent}|{made[self.one]['id']}"

        return str(in_turn(self.balancer(wanted.address, session), session, make))

    def send(self, session: Session, ident: str, body: dict[str, Any]) -> None:
        parent, _, own = ident.partition("|")
        session.rest(self.service).put(f"{self.below.format(parent)}/{own}", {self.one: body})

    def delete(self, there: Observed, session: Session) -> None:
        parent, _, own = there.id.partition("|")
        path = f"{self.below.format(parent)}/{own}"
        in_turn(
            self.balancer(there.address, session), session, lambda: session.rest(self.service).delete(path)
        )


class Pools(BalancerPart):
    name, parent_kind, parent_key = "pool", "load balancer", "loadbalancer_id"
    limits = {"pools": Limit("pool", "Pools.")}  # noqa: RUF012
    path, one, many = "/lbaas/pools", "pool", "pools"
    fields = ("name", "protocol", "lb_algorithm")
    immutable = frozenset({"protocol"})

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        for balancer, parent, place in self.parts(scope):
            for pool in balancer.pools:
                fields = {"name": pool.name, "protocol": pool.protocol, "lb_algorithm": pool.algorithm}
                yield self.part(parent, pool.name, fields, place)


class Members(Nested):
    name, parent_kind, below = "member", "pool", "/lbaas/pools/{}/members"
    after = ("tenant", "port")
    limits = {"members": Limit("member", "Members.")}  # noqa: RUF012
    one, many = "member", "members"
    fields = ("name", "address", "protocol_port", "weight", "backup")
    immutable = frozenset({"address", "protocol_port"})

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        servers = {server.name: server for server, _ in scope.items("servers")}
        for balancer, parent, place in self.parts(scope):
            for pool in balancer.pools:
                inner = Address("pool", (*parent.path, pool.name))
                for member in pool.members:
                    address: Value = str(member.address)
                    needs: tuple[Address, ...] = ()
                    if member.server:
                        server = servers[member.server]
                        nics = [nic.network for nic in server.networks]
                        at = nics.index(balancer.network) if balancer.network in nics else 0
                        address = Ref(of_server(scope, server, at), "address")
                        needs = (Address("server", (*scope.path, member.server)),)
                    name = f"{member.server or member.address}:{member.port}"
                    fields = {"name": name, "address": address, "protocol_port": member.port}
                    fields |= {"weight": member.weight, "backup": member.backup}
                    yield self.part(inner, name, fields, place, *needs)

    def value(self, field: str, raw: dict[str, Any], index: Index) -> Value:
        if field != "address":
            return super().value(field, raw, index)
        pool = index.address("pool", raw["parent"])
        port = index.known_by(pool.path[0] if pool else "", raw["address"])
        return Ref(port, "address") if port else raw["address"]


class Monitors(BalancerPart):
    name, parent_kind, parent_key = "health monitor", "pool", "pool_id"
    limits = {"health_monitors": Limit("health_monitor", "Health monitors.")}  # noqa: RUF012
    path, one, many = "/lbaas/healthmonitors", "healthmonitor", "healthmonitors"
    fields = ("type", "delay", "timeout", "max_retries", "url_path", "expected_codes")
    immutable = frozenset({"type"})

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        for balancer, parent, place in self.parts(scope):
            for pool in balancer.pools:
                if monitor := pool.monitor:
                    fields = {
                        "type": monitor.type,
                        "delay": int(monitor.delay),
                        "timeout": int(monitor.timeout),
                        "max_retries": monitor.retries,
                    }
                    fields |= {"url_path": monitor.path} if monitor.path else {}
                    fields |= {"expected_codes": monitor.codes} if monitor.codes else {}
                    yield self.part(Address("pool", (*parent.path, pool.name)), "monitor", fields, place)

    def parent(self, raw: dict[str, Any], index: Index) -> Address | None:
        return index.address("pool", raw["pools"][0]["id"] if raw.get("pools") else None)


class Listeners(BalancerPart):
    name, parent_kind, parent_key = "listener", "load balancer", "loadbalancer_id"
    limits = {"listeners": Limit("listener", "Listeners.")}  # noqa: RUF012
    path, one, many = "/lbaas/listeners", "listener", "listeners"
    fields = ("name", "protocol", "protocol_port", "default_pool_id", "connection_limit", "admin_state_up")
    refs = {"default_pool_id": "pool"}  # noqa: RUF012
    immutable = frozenset({"protocol", "protocol_port"})

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        for balancer, parent, place in self.parts(scope):
            for listener in balancer.listeners:
                fields: dict[str, Value] = {
                    "name": listener.name,
                    "protocol": listener.protocol,
                    "protocol_port": listener.port,
                    "admin_state_up": True,
                }
                if listener.pool:
                    fields["default_pool_id"] = Ref(Address("pool", (*parent.path, listener.pool)))
                if listener.connection_limit is not None:
                    fields["connection_limit"] = listener.connection_limit
                yield self.part(parent, listener.name, fields, place)

    def parent(self, raw: dict[str, Any], index: Index) -> Address | None:
        return index.address("load balancer", raw["loadbalancers"][0]["id"] if raw["loadbalancers"] else None)


class L7Policies(BalancerPart):
    name, parent_kind, parent_key = "L7 policy", "listener", "listener_id"
    path, one, many = "/lbaas/l7policies", "l7policy", "l7policies"
    fields = ("name", "action", "redirect_pool_id", "redirect_url", "position")
    refs = {"redirect_pool_id": "pool"}  # noqa: RUF012

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        for balancer, parent, place in self.parts(scope):
            for listener in balancer.listeners:
                for policy in listener.policies:
                    fields: dict[str, Value] = {"name": policy.name, "action": "REJECT"}
                    if policy.pool:
                        pool = Ref(Address("pool", (*parent.path, policy.pool)))
                        fields |= {"action": "REDIRECT_TO_POOL", "redirect_pool_id": pool}
                    elif policy.redirect_url:
                        fields |= {"action": "REDIRECT_TO_URL", "redirect_url": policy.redirect_url}
                    if policy.position:
                        fields["position"] = policy.position
                    inner = Address("listener", (*parent.path, listener.name))
                    yield self.part(inner, policy.name, fields, place)


class L7Rules(Nested):
    """Rules have no names: a rule is what it looks for."""

    name, parent_kind, below = "L7 rule", "L7 policy", "/lbaas/l7policies/{}/rules"
    one, many = "rule", "rules"
    fields = ("type", "compare_type", "value", "key", "invert")

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        for balancer, parent, place in self.parts(scope):
            for listener in balancer.listeners:
                for policy in listener.policies:
                    inner = Address("L7 policy", (*parent.path, listener.name, policy.name))
                    for rule in policy.rules:
                        fields = {"type": rule.type, "compare_type": rule.compare, "value": rule.value}
                        fields |= {"key": rule.key} if rule.key else {}
                        fields["invert"] = rule.invert
                        yield self.part(inner, f"{rule.type} {rule.compare} {rule.value}", fields, place)
