"""Users in groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from onestack.workloads.kind.link import Link
from onestack.workloads.kind.ownership import KEY
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Collector, Index, Session
from onestack.workloads.plan.model import Observed, Wanted


class Memberships(Link):
    name, service = "group member", "identity"
    administrative = True
    ends = ("group", "user")

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        for group, place in scope.items("groups"):
            for user in group.users:
                yield self.linked(scope.group(group.name).address, scope.user(user).address, place=place)

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        ours = [
            group["id"]
            for group in collector.all("identity", "/groups", "groups")
            if _is_read(group, collector)
        ]
        members = collector.each(
            ours, lambda group: collector.all("identity", f"/groups/{group}/users", "users")
        )
        for group, users in zip(ours, members, strict=True):
            yield from ({"group": group, "user": user["id"]} for user in users)

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        return self.between(index, raw["group"], raw["user"])

    def link(self, session: Session, *ids: str) -> None:
        session.rest(self.service).put(f"/groups/{ids[0]}/users/{ids[1]}")

    def unlink(self, session: Session, *ids: str) -> None:
        session.rest(self.service).delete(f"/groups/{ids[0]}/users/{ids[1]}")


def _is_read(group: dict[str, Any], collector: Collector) -> bool:
    """Whether the members of a group matter: it is a spec's, or wanted, or all are asked for."""
    wanted = {one.path[-2] for one in collector.wanted if one.kind == Memberships.name}
    return KEY in group or group["name"] in wanted or collector.everything
