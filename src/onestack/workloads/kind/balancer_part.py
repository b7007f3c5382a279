"""Base of the parts of a load balancer: parents, lists, and changes one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal

from onestack.core.errors import Place
from onestack.workloads.kind.balancer_turns import PATH, in_turn
from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.ownership import InTags
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Collector, Index, Session
from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, Value

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


class BalancerPart(Kind):
    """A part of a load balancer. Its address begins with its tenant and its balancer."""

    service = "load-balancer"
    label_in = InTags()
    deleted_with_parent = True
    exclusive = True
    parent_kind: ClassVar[str]
    """The kind that contains it."""
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
        create_only = {self.parent_key: Ref(parent)} if self.parent_key else {}
        return Wanted(Address(self.name, (*parent.path, name)), fields, create_only, (parent, *needs), place)

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        # Many clouds have no balancers, and so no parts: one request instead of six.
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
        create = super().create
        return str(in_turn(self.balancer(wanted.address, session), session, lambda: create(wanted, session)))

    def update(self, change: Change, ident: str, session: Session) -> None:
        update = super().update
        in_turn(self.balancer(change.address, session), session, lambda: update(change, ident, session))

    def delete(self, observed: Observed, session: Session) -> None:
        delete = super().delete
        in_turn(self.balancer(observed.address, session), session, lambda: delete(observed, session))


class NestedPart(BalancerPart):
    """A part whose URL is below its parent's. Its id is `PARENT|OWN`."""

    below: ClassVar[str]
    """The path of its collection, with {} for the parent's id."""

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

        def create() -> str:
            body = session.fill({**wanted.fields, **wanted.create_only})
            self.label_in.put(body, self.label(wanted, session))
            answer = session.rest(self.service).post(self.below.format(parent), {self.one: body})
            return f"{parent}|{answer[self.one]['id']}"

        return str(in_turn(self.balancer(wanted.address, session), session, create))

    def send(self, session: Session, ident: str, body: dict[str, Any]) -> None:
        parent, _, own = ident.partition("|")
        session.rest(self.service).put(f"{self.below.format(parent)}/{own}", {self.one: body})

    def delete(self, observed: Observed, session: Session) -> None:
        parent, _, own = observed.id.partition("|")
        path = f"{self.below.format(parent)}/{own}"
        in_turn(
            self.balancer(observed.address, session), session, lambda: session.rest(self.service).delete(path)
        )
