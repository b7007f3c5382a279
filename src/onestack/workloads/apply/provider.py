"""The interface of a cloud that apply uses. `onestack.workloads.openstack.provider` implements it for OpenStack;
tests have an in-memory cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Address

Ids = Callable[[Address], str]


class Provider(Protocol):
    """A cloud. `kinds`: kind of resource -> its traits for plans, its service and that service's concurrency."""

    @property
    def kinds(self) -> Mapping[str, Any]: ...

    def observe(self, wanted: Iterable[Wanted]) -> list[Observed]: ...
    def find(self, wanted: Wanted) -> str | None:
        """The id of a resource that was created for this spec; None if there is none."""

    def create(self, wanted: Wanted, ids: Ids) -> str: ...
    def wait_ready(self, address: Address, ident: str, ids: Ids) -> None: ...
    def update(self, change: Change, ident: str, ids: Ids) -> None: ...
    def delete(self, observed: Observed, ids: Ids) -> None: ...
