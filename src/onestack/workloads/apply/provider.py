"""What apply needs of a cloud. OpenStack's is `onestack.workloads.openstack.provider`; tests have one in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Address

Ids = Callable[[Address], str]


class Provider(Protocol):
    """A cloud. `kinds`: what plans must know of each kind, and how many requests a service gets at a time."""

    @property
    def kinds(self) -> Mapping[str, Any]: ...

    def observe(self, wanted: Iterable[Wanted]) -> list[Observed]: ...
    def find(self, wanted: Wanted) -> str | None:
        """The id of a resource that was created for this spec; None: there is none."""

    def create(self, wanted: Wanted, ids: Ids) -> str: ...
    def wait_ready(self, address: Address, ident: str, ids: Ids) -> None: ...
    def update(self, change: Change, ident: str, ids: Ids) -> None: ...
    def delete(self, observed: Observed, ids: Ids) -> None: ...
