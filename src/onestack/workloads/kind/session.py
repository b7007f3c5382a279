"""The interfaces that kinds use: a collector reads the cloud, an index maps ids to addresses, a session changes the
cloud."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import IO, Any, Protocol

from onestack.core.errors import Place
from onestack.workloads.plan.model import Observed
from onestack.workloads.plan.values import Address, Ref, Secret, Value


class Rest(Protocol):
    """A service's API, with a token of one project. Raises the errors of `onestack.workloads.kind.faults`."""

    def get(self, path: str, **params: Any) -> Any: ...
    def post(self, path: str, body: Any) -> Any: ...
    def put(self, path: str, body: Any = None) -> Any: ...
    def patch(self, path: str, body: Any) -> Any: ...
    def delete(self, path: str) -> None:
        """Delete; a 404 is no error."""

    def all(self, path: str, key: str, **params: Any) -> list[dict[str, Any]]:
        """A list, with all its pages."""

    def call(self, method: str, path: str, **words: Any) -> Any: ...


class Collector(Protocol):
    """Reads the cloud; each list is requested once. `wanted`: the addresses of the spec's resources. `everything`:
    read what no spec owns, too, for an export."""

    wanted: frozenset[Address]
    everything: bool

    def has(self, service: str) -> bool:
        """Whether the cloud has a type of service."""

    def all(self, service: str, path: str, key: str, **params: Any) -> list[dict[str, Any]]: ...
    def each(self, calls: Iterable[Any], ask: Any) -> list[Any]: ...


class Index:
    """The resources observed so far, by kind and id.

    `owner`: the name of the spec, `wanted`: the addresses of its resources. `given`: the addresses of tenants whose
    projects the account was given, so that no ownership label is on them. `strict`: leave out other tenants than the
    spec's, and what only those may use. `everything`: keep what no spec owns, too. `removing`: the spec is to be
    removed.
    """

    def __init__(
        self,
        owner: str = "",
        wanted: frozenset[Address] = frozenset(),
        given: frozenset[Address] = frozenset(),
        *,
        strict: bool = False,
        everything: bool = False,
        removing: bool = False,
    ) -> None:
        self.wanted = wanted
        self.given = given
        self.strict = strict
        self.everything = everything
        self._spec = owner
        self._removing = removing
        self._by_id: dict[tuple[str, str], Observed] = {}
        self._owner: dict[Address, str | None] = {}
        self._by_other_key: dict[tuple[str, ...], Address] = {}

    def add(self, kind: str, observed: Observed) -> None:
        self._by_id[kind, observed.id] = observed
        self._owner[observed.address] = observed.owner

    def address(self, kind: str, ident: str | None) -> Address | None:
        observed = self._by_id.get((kind, ident or ""))
        return observed.address if observed else None

    def remember(self, key: tuple[str, ...], address: Address) -> None:
        """Add another key than its id for a resource."""
        self._by_other_key[key] = address

    def known_by(self, *key: str) -> Address | None:
        return self._by_other_key.get(key)

    def inside(self, kind: str, parent: Address) -> list[Address]:
        """The resources of a kind whose address is below another's."""
        depth = len(parent.path)
        return [one for one in self._owner if one.kind == kind and one.path[:depth] == parent.path]

    def naming(self, kind: str, field: str, address: Address) -> list[Address]:
        """The resources of a kind that refer to an address in a field."""
        return [
            observed.address
            for (of, _), observed in self._by_id.items()
            if of == kind and observed.fields.get(field) == Ref(address)
        ]

    def owner(self, address: Address | None) -> str | None:
        return self._owner.get(address) if address else None

    def inherited(self, parent: Address | None, address: Address, *, marked: bool = False) -> str | None:
        """The owner of a resource that has no label of its own: its parent's.

        In a project that the account was given, the spec owns what it lists; when it is removed, only what is
        `marked` in another way as made by OneStack.
        """
        if parent in self.given:
            listed = address in self.wanted and (marked or not self._removing)
            return self._spec if listed else None
        return self.owner(parent)

    def knows(self, tenant: Address, owner: str | None) -> bool:
        """Whether a tenant is considered: with `strict` only the spec's."""
        return not self.strict or tenant in self.wanted or owner == self._spec

    def ref(self, kind: str, value: Value) -> Value:
        """Replace ids by references; an unknown id stays an id."""
        if isinstance(value, (list, tuple)):
            return [self.ref(kind, item) for item in value]
        address = self.address(kind, value)
        return Ref(address) if address else value


class Shared(Protocol):
    """A list that all waiting threads share."""

    def ids(self) -> tuple[float, frozenset[str]]:
        """When the list was requested (`time.monotonic`), and the ids in it."""


class Session(Protocol):
    """Changes the cloud: the APIs, and the ids of addresses. `owner`: the spec's name."""

    owner: str

    def shared(self, service: str, path: str, key: str, least: float = 0.0, **params: Any) -> Shared: ...

    def rest(self, service: str, project: str | None = None) -> Rest: ...
    def id(self, address: Address) -> str: ...
    def given(self, address: Address) -> bool:
        """Whether a resource is in a project that the account was given, and that has no ownership label."""

    def fill(self, value: Value) -> Any: ...
    def as_user(self, user: str, password: Secret, project: str) -> Rest: ...
    def download(
        self, url: str, checksum: str | None, place: Place | None
    ) -> AbstractContextManager[IO[bytes]]:
        """The content of a URL, downloaded by this machine, complete, with its checksum verified."""

    def keep(self, label: str, secret: str) -> None: ...
