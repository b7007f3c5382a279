"""Users in groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from onestack.workloads.kind.link import Link
from onestack.workloads.kind.ownership import KEY
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Hands, Look, Names
from onestack.workloads.plan.model import Observed, Wanted


class Memberships(Link):
    name, service = "group member", "identity"
    ends = ("group", "user")

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        for group, place in scope.items("groups"):
            for user in group.users:
                yield self.tied(scope.group(group.name).address, scope.user(user).address, place=place)

    def found(self, look: Look) -> Iterable[dict[str, Any]]:
        ours = [group["id"] for group in look.all("identity", "/groups", "groups") if KEY in group]
        members = look.each(ours, lambda group: look.all("identity", f"/groups/{group}/users", "users"))
        for group, users in zip(ours, members, strict=True):
            yield from ({"group": group, "user": user["id"]} for user in users)

    def observe(self, raw: dict[str, Any], names: Names) -> Observed | None:
        return self.between(names, raw["group"], raw["user"])

    def tie(self, hands: Hands, *ids: str) -> None:
        hands.rest(self.service).put(f"/groups/{ids[0]}/users/{ids[1]}")

    def untie(self, hands: Hands, *ids: str) -> None:
        hands.rest(self.service).delete(f"/groups/{ids[0]}/users/{ids[1]}")
