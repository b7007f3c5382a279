"""A tenant's section of the spec, or the platform's: its items, their places in the file, what its names refer to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from onestack.core.errors import Place
from onestack.workloads.plan.values import Address, Ref

DOMAIN = "Default"


def tenant_path(name: str, domain: str) -> tuple[str, ...]:
    """The path of a tenant's address. It includes the domain, since tenants of two domains may have the same name."""
    return (name,) if domain == DOMAIN else (f"{name}@{domain}",)


class TenantSection(Protocol):
    """What resource kinds read of a tenant besides the lists that they declare."""

    @property
    def name(self) -> str: ...
    @property
    def domain(self) -> str: ...
    @property
    def enabled(self) -> bool: ...
    @property
    def quota(self) -> Any: ...


class WholeSpec(Protocol):
    """What resource kinds read of a spec besides the lists that they declare.

    A protocol, since `onestack.spec`, which is built from the kinds, cannot be imported here.
    """

    @property
    def tenants(self) -> Sequence[TenantSection]: ...
    def place_of(self, *path: str | int) -> Place: ...
    def volume_host(self, tenant: Any, volume: str) -> str: ...


@dataclass(frozen=True)
class Scope:
    """A tenant's section, or (without a tenant) the platform's. `steps`: its path in the file."""

    spec: WholeSpec
    tenant: TenantSection | None = None
    steps: tuple[str | int, ...] = ()

    @property
    def section(self) -> Any:
        return self.tenant or self.spec

    @property
    def path(self) -> tuple[str, ...]:
        return tenant_path(self.tenant.name, self.tenant.domain) if self.tenant else ()

    @property
    def project(self) -> Address:
        assert self.tenant is not None
        return Address("tenant", self.path)

    @property
    def domain(self) -> str:
        return self.tenant.domain if self.tenant else DOMAIN

    def items(self, key: str) -> Iterator[tuple[Any, Place]]:
        """The items of the list under a key, with their places."""
        listed: Sequence[Any] = getattr(self.section, key, ())
        for index, item in enumerate(listed):
            yield item, self.place(key, index)

    def place(self, *steps: str | int) -> Place:
        return self.spec.place_of(*self.steps, *steps)

    def own(self, key: str) -> set[str]:
        """The names that are listed under a key in this section."""
        return {item.name for item in getattr(self.section, key, ())}

    def named(self, kind: str, name: str) -> Ref:
        """The resource that a name refers to: the tenant's own, or else the platform's."""
        key = re.sub("y$", "ie", kind.replace(" ", "_")) + "s"
        is_own = name in self.own(key) or (kind == "security group" and name == "default")
        return Ref(Address(kind, (*self.path, name) if is_own else (name,)))

    def user(self, name: str) -> Ref:
        return Ref(Address("user", in_domain(name, self.domain)))

    def group(self, name: str) -> Ref:
        return Ref(Address("group", in_domain(name, self.domain)))

    def network(self, name: str) -> tuple[Ref, list[Address]]:
        """A network, and its subnets as far as they are in the spec."""
        network = self.named("network", name)
        parent = self if network.address.path[:-1] == self.path else Scope(self.spec)
        subnets = [
            Address("subnet", (*network.address.path, subnet.name or name))
            for item, _ in parent.items("networks")
            if item.name == name
            for subnet in item.subnets
        ]
        return network, subnets


def in_domain(name: str, domain: str) -> tuple[str, ...]:
    return (name,) if domain == DOMAIN else (domain, name)


def scopes(spec: WholeSpec) -> Iterator[Scope]:
    """The platform, then each tenant."""
    yield Scope(spec)
    for index, tenant in enumerate(spec.tenants):
        yield Scope(spec, tenant, ("tenants", index))


def given(section: Any, *keys: str, **renamed: str) -> dict[str, Any]:
    """The values of the keys that are set in the file, by the API's names. `renamed`: the API's name -> key."""
    names = {**{key: key for key in keys}, **{key: api for api, key in renamed.items()}}
    return {api: getattr(section, key) for key, api in names.items() if key in section.model_fields_set}
