"""Builds a spec in Python instead of YAML, from the models of `onestack.spec`.

from onestack.build import Build
from onestack.workloads.resources.network import TenantNetwork
from onestack.workloads.resources.server import Nic, Server
from onestack.workloads.resources.subnet import Subnet

build = Build("shop-cloud")
shop = build.tenant("shop", description="The web shop")
front = shop.add(TenantNetwork(name="front", subnets=[Subnet(cidr="10.1.0.0/24")]))
shop.add(Server(name="web", image="tiny", flavor="m1.nano", networks=[Nic(network=front.name)]))
cloud.apply(spec=build.spec())
"""

from __future__ import annotations

import json
from typing import Any, TypeVar, get_args

from onestack.language.types import Section
from onestack.language.words import Named
from onestack.spec.compose import whole
from onestack.spec.load import loads
from onestack.spec.model import Spec

Item = TypeVar("Item", bound=Named)


def _lists(section: type[Section]) -> dict[type, str]:
    """The key under which each model is listed, as the models declare it."""
    found: dict[type, str] = {}
    for key, field in section.model_fields.items():
        inner = get_args(field.annotation)
        if inner and isinstance(inner[0], type) and issubclass(inner[0], Named):
            found[inner[0]] = key
    return found


def _tenant() -> type[Section]:
    model: type[Section] = get_args(whole().model_fields["tenants"].annotation)[0]
    return model


class _Part:
    def __init__(self, model: type[Section], fields: dict[str, Any]) -> None:
        self._lists = _lists(model)
        self._data = fields

    def add(self, item: Item) -> Item:
        """List an item under the key for its kind; returned, so that others can use its name."""
        if type(item) not in self._lists:
            known = ", ".join(sorted(kind.__name__ for kind in self._lists))
            raise TypeError(f"a {type(item).__name__} is not listed here: one of {known}")
        listed = self._data.setdefault(self._lists[type(item)], [])
        listed.append(item.model_dump(mode="json", exclude_unset=True))
        return item


class TenantBuild(_Part):
    """A tenant that is being built."""

    def __init__(self, name: str, fields: dict[str, Any]) -> None:
        super().__init__(_tenant(), {"name": name, **fields})
        self.name = name


class Build(_Part):
    """A spec that is being built. `name`: the spec's name, which is in the ownership labels."""

    def __init__(self, name: str, **fields: Any) -> None:
        super().__init__(whole(), {"name": name, **fields})
        self._tenants: list[TenantBuild] = []

    def tenant(self, name: str, **fields: Any) -> TenantBuild:
        """Add a tenant; `fields`: its plain keys, as in the file."""
        made = TenantBuild(name, json.loads(json.dumps(fields, default=_plain)))
        self._tenants.append(made)
        return made

    def spec(self) -> Spec:
        """The spec, validated as a file would be. Raises BadSpec."""
        data = {**self._data, "tenants": [tenant._data for tenant in self._tenants]}
        return loads(json.dumps(data), "(built)")


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json", exclude_unset=True) if isinstance(value, Section) else str(value)
