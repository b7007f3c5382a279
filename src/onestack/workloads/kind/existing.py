"""What exists in a cloud, for the way back: from resources to what a spec says of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from onestack.language.words import is_resource_name
from onestack.workloads.plan.model import Observed
from onestack.workloads.plan.values import Address, Ref, Unknown, Value

Found = TypeVar("Found")


class Unsayable(Exception):
    """A resource, or a part of one, that no spec describes; the text says why."""


class Item(dict[str, Any]):
    """What a spec says of a resource."""

    def __init__(self, address: Address, said: Mapping[str, Any]) -> None:
        super().__init__(said)
        self.address = address


class Traits(Protocol):
    """What this needs to know of a kind."""

    @property
    def key(self) -> str: ...
    @property
    def in_platform(self) -> Any: ...
    @property
    def built_in(self) -> tuple[str, ...]: ...
    def told(self, one: Observed, there: Existing) -> dict[str, Any] | None: ...
    def of_section(self, there: Existing, tenant: Address | None) -> list[Observed]: ...


class Existing:
    """The resources of a cloud, with the API's responses.

    `tenants`: the addresses of those that are exported. `platform`: whether what is in no tenant is exported, too.
    `owner`: the spec whose resources are exported, beside those without an owner. `account`: the id of the user who
    exports. `addresses`: whether fixed addresses of servers and balancers are said. `omitted`: resources that turned
    out to be unsayable: others cannot refer to them. `limits`: by the keys of quotas, the spec's names of limits and
    the API's. `unlisted`: by the keys of the platform's lists, the names of what the platform itself makes.
    """

    def __init__(
        self,
        found: Iterable[tuple[Observed, dict[str, Any]]],
        kinds: Mapping[str, Traits],
        *,
        tenants: Iterable[Address],
        platform: bool,
        owner: str | None,
        account: str = "",
        addresses: bool = False,
        omitted: Mapping[Address, str] | None = None,
        limits: Mapping[str, Mapping[str, str]] | None = None,
        unlisted: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self.tenants = frozenset(tenants)
        self.platform = platform
        self.owner = owner
        self.account = account
        self.addresses = addresses
        self.omitted: dict[Address, str] = dict(omitted or {})
        self.warnings: dict[str, None] = {}
        self.comments: dict[Address, list[str]] = {}
        self.used: dict[str, set[str]] = {}
        """The names of resources that the file refers to and does not list, by their keys."""
        self.kinds = kinds
        self.limits = limits or {}
        self.unlisted = unlisted or {}
        self.here: Address | None = None
        """The tenant whose section is being made."""
        self._first: dict[Address, Observed] = {}
        self._raw: dict[tuple[str, str], dict[str, Any]] = {}
        self._by_id: dict[tuple[str, str], Observed] = {}
        self._cached: dict[str, Any] = {}
        for one, raw in found:
            self._by_id[one.address.kind, one.id] = one
            self._raw[one.address.kind, one.id] = raw
            self._add(one)

    def _add(self, one: Observed) -> None:
        before = self._first.get(one.address)
        if before is None:
            self._first[one.address] = one
        elif self.owner and one.owner == self.owner != before.owner:
            # As in a plan, the spec's own goes before others with its name.
            self._first[one.address] = one
        elif before.id != one.id and self._is_exported(one.address):
            self.warn(
                f"{one.address}: there are two with this name; only {before.id} is in the file, not {one.id}"
            )

    def _is_exported(self, address: Address) -> bool:
        of_platform = self.platform and len(address.path) == 1 and self.kinds[address.kind].in_platform
        return bool(of_platform) or any(address.path[:1] == tenant.path for tenant in self.tenants)

    # Reading.

    def raw(self, one: Observed) -> dict[str, Any]:
        """The API's response."""
        return self._raw[one.address.kind, one.id]

    def by_id(self, kind: str, ident: str) -> Observed | None:
        """The resource with this id."""
        return self._by_id.get((kind, ident))

    def get(self, address: Address) -> Observed | None:
        """The resource with this address."""
        return self._first.get(address)

    def all(self, kind: str) -> list[Observed]:
        """All resources of a kind, by name."""
        these = [one for one in self._first.values() if one.address.kind == kind]
        return sorted(these, key=lambda one: _natural(one.address.path))

    def inside(self, kind: str, parent: Address | None) -> list[Observed]:
        """The resources of a kind directly below another, or (None) below none."""
        path = parent.path if parent else ()
        these = [one for one in self.all(kind) if one.address.path[:-1] == path]
        return [one for one in these if self._may_say(one)]

    def links(self, kind: str, first: Address) -> list[tuple[Address, ...]]:
        """The further ends of the links from a resource."""
        these = [
            one for one in self._first.values() if one.address.kind == kind and one.needs[:1] == (first,)
        ]
        return [one.needs[1:] for one in sorted(these, key=lambda one: _natural(one.address.path))]

    def cached(self, key: str, make: Callable[[], Found]) -> Found:
        """What `make` returns, made once."""
        if key not in self._cached:
            self._cached[key] = make()
        found: Found = self._cached[key]
        return found

    def _may_say(self, one: Observed) -> bool:
        if one.address in self.omitted:
            return False
        if one.owner not in (None, self.owner):
            self.omit(one.address, f"it belongs to the spec '{one.owner}'")
            return False
        return True

    # Saying.

    def nested(self, kind: str, parent: Address) -> list[dict[str, Any]]:
        """What a spec says of the resources of a kind below another, inside of what it says of that one."""
        items = [self.kinds[kind].told(each, self) for each in self.inside(kind, parent)]
        return [item for item in items if item is not None]

    def name(self, value: Value, here: tuple[str, ...]) -> str:
        """The name by which a spec refers to a resource from the tenant at `here`. Raises Unsayable."""
        if not isinstance(value, Ref):
            raise Unsayable(f"it refers to {value}, which is not there, or not to be seen by this account")
        address = value.address
        name = address.path[-1]
        if not is_resource_name(name):
            raise Unsayable(f"it refers to {address}, whose name cannot be in a spec")
        if address in self.omitted:
            raise Unsayable(f"it refers to {address}, which is left out")
        if here and address.path[:-1] == here:
            if address not in self._first:
                raise Unsayable(f"it refers to {address}, which is not there")
            return name
        if len(address.path) > 1:
            raise Unsayable(f"it refers to {address}, which is another tenant's")
        if here and Address(address.kind, (*here, name)) in self._first:
            raise Unsayable(f"it refers to the cloud's {address}, and its tenant has one with the same name")
        kind = self.kinds[address.kind]
        listed = self.platform and kind.in_platform and name not in self.unlisted.get(kind.key, ())
        if name not in kind.built_in and not listed:
            self.used.setdefault(kind.key, set()).add(name)
        return name

    def names(self, values: Iterable[Value], here: tuple[str, ...]) -> list[str]:
        """As `name`, of several."""
        return [self.name(value, here) for value in values]

    def said(self, value: Value, here: tuple[str, ...]) -> Any:
        """A field's value as a spec says it: names in place of references. None: not said. Raises Unsayable."""
        if isinstance(value, Unknown):
            return None
        if isinstance(value, Ref):
            return self.name(value, here)
        if isinstance(value, (list, tuple)):
            return [self.said(item, here) for item in value]
        return value

    def warn(self, text: str) -> None:
        """Say something of the export as a whole."""
        self.warnings[text] = None

    def comment(self, one: Observed, text: str) -> None:
        """Say something beside an item in the file."""
        known = self.comments.setdefault(one.address, [])
        if text not in known:
            known.append(text)

    def comment_part(self, one: Observed, text: str) -> None:
        """Say something of a part of a load balancer beside the balancer."""
        balancer = self.get(Address("load balancer", one.address.path[:2]))
        self.comment(balancer or one, text)

    def omit(self, address: Address, why: str) -> None:
        """Leave a resource out."""
        self.omitted.setdefault(address, why)


def _natural(path: tuple[str, ...]) -> list[list[tuple[int, str]]]:
    """web-2 before web-10."""
    return [
        [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", step)]
        for step in path
    ]


def without_none(**item: Any) -> dict[str, Any]:
    """The item's keys that are said."""
    return {key: value for key, value in item.items() if value is not None}
