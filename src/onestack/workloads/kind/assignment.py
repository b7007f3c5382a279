"""Base of role assignments, of users and of groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from onestack.workloads.kind.link import Link
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Collector, Index, Session
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address


class Assignments(Link):
    """Role assignments of users and groups that OneStack created; those of others are ignored."""

    service = "identity"
    actor: str

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        for item, place in scope.items(f"{self.actor}s") if scope.tenant else ():
            actor = scope.user(item.name) if self.actor == "user" else scope.group(item.name)
            for role in item.roles:
                yield self.linked(scope.project, actor.address, Address("role", (role,)), place=place)

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        for raw in collector.all("identity", "/role_assignments", "role_assignments"):
            inherited = "OS-INHERIT:inherited_to" in raw["scope"]
            if self.actor in raw and "project" in raw["scope"] and not inherited:
                yield raw

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        actor = raw[self.actor]["id"]
        link = self.between(index, raw["scope"]["project"]["id"], actor, raw["role"]["id"])
        # Of users that no spec owns, only the roles that the spec lists matter.
        if link is None or index.everything or link.address in index.wanted:
            return link
        return link if index.owner(index.address(self.actor, actor)) else None

    def _path(self, ids: tuple[str, ...]) -> str:
        project, actor, role = ids
        return f"/projects/{project}/{self.actor}s/{actor}/roles/{role}"

    def link(self, session: Session, *ids: str) -> None:
        session.rest(self.service).put(self._path(ids))

    def unlink(self, session: Session, *ids: str) -> None:
        session.rest(self.service).delete(self._path(ids))
