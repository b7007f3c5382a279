"""A cloud in memory that is as strict as OpenStack: nothing unknown is named, nothing in use is deleted."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from threading import Lock
from typing import Any

from onestack.core.errors import PermanentError
from onestack.workloads.apply.provider import Ids
from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.discovery import kinds
from onestack.workloads.plan import Address, Change, Observed, Wanted
from onestack.workloads.plan.values import refs

FURNISHED = (
    Address("domain", ("Default",)),
    Address("network", ("public",)),
    Address("image", ("tiny",)),
    *(
        Address("flavor", (f"m1.{size}",))
        for size in ("nano", "micro", "tiny", "small", "medium", "large", "xlarge")
    ),
    *(Address("role", (role,)) for role in ("admin", "manager", "member", "reader", "service")),
)


class ModelCloud:
    """Implements `onestack.workloads.apply.Provider`."""

    kinds: Mapping[str, Kind] = kinds()

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.there: dict[Address, Observed] = {}
        self.log: list[tuple[str, Address]] = []
        self._numbers = itertools.count(1)
        self._guard = Lock()
        for address in FURNISHED:
            self.there[address] = Observed(address, f"id-{next(self._numbers)}")

    def observe(self, wanted: Iterable[Wanted]) -> list[Observed]:
        return list(self.there.values())

    def find(self, wanted: Wanted) -> str | None:
        there = self.there.get(wanted.address)
        return there.id if there and there.owner == self.owner else None

    def create(self, wanted: Wanted, ids: Ids) -> str:
        with self._guard:
            if wanted.address in self.there:
                raise PermanentError(f"{wanted.address} is there already")
            for need in wanted.dependencies:
                self._known(wanted.address, need, ids)
            outer = tuple(dict.fromkeys((*wanted.needs, *refs(wanted.create_only))))
            # A quota is no thing that others live in.
            needs = tuple(need for need in outer if need.kind != "quota")
            if wanted.address.kind not in ("quota",) and "project_id" in wanted.create_only:
                needs = (wanted.create_only["project_id"].address, *needs)
            ident = f"id-{next(self._numbers)}"
            made = Observed(
                wanted.address, ident, dict(wanted.fields), self.owner, tuple(dict.fromkeys(needs))
            )
            self.there[wanted.address] = made
            self.log.append(("create", wanted.address))
            return ident

    def _known(self, who: Address, need: Address, ids: Ids) -> None:
        if need not in self.there:
            raise PermanentError(f"{who} names {need}, which is not there")
        if ids(need) != self.there[need].id:
            raise PermanentError(f"{who} has an old id of {need}")

    def wait_ready(self, address: Address, ident: str, ids: Ids) -> None:
        assert self.there[address].id == ident

    def update(self, change: Change, ident: str, ids: Ids) -> None:
        with self._guard:
            assert self.there[change.address].id == ident
            fields: dict[str, Any] = {
                name: after for name, (_, after) in change.fields.items() if name != "owner"
            }
            for need in refs(fields):
                self._known(change.address, need, ids)
            was = self.there[change.address]
            self.there[change.address] = replace(was, fields={**was.fields, **fields}, owner=self.owner)
            self.log.append(("update", change.address))

    def delete(self, there: Observed, ids: Ids) -> None:
        with self._guard:
            users = [
                other
                for other in self.there.values()
                if there.address in other.dependencies
                and not self.kinds[other.address.kind].deleted_with_parent
            ]
            loose = {"image", "flavor"}
            if users and there.address.kind not in loose:
                raise PermanentError(f"{there.address} is in use by {users[0].address}")
            del self.there[there.address]
            self.log.append(("delete", there.address))
            self._cascade(there.address)

    def _cascade(self, gone: Address) -> None:
        for other in list(self.there.values()):
            if (
                gone in other.dependencies
                and self.kinds[other.address.kind].deleted_with_parent
                and other.address in self.there
            ):
                del self.there[other.address]
                self._cascade(other.address)
