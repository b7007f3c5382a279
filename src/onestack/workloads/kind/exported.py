"""The way back of a kind: from an existing resource to what a spec says of it."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ValidationError

from onestack.language.words import is_resource_name
from onestack.workloads.kind.existing import Existing, Item, Unsayable
from onestack.workloads.plan.model import Observed
from onestack.workloads.plan.values import Address


class Exported:
    """The base of `Kind` with its way back. Mostly the spec's keys have the names of the API's fields."""

    name: ClassVar[str]
    key: ClassVar[str]
    in_tenant: ClassVar[Any]
    in_platform: ClassVar[Any]
    built_in: ClassVar[tuple[str, ...]]
    said_as: ClassVar[dict[str, str]] = {}
    """Keys of the spec -> the API's fields that hold their values, where the names differ."""
    model: ClassVar[type[BaseModel] | None] = None
    """The model of an item that is nested in another one, and in no list of its own."""

    def section(self, there: Existing, tenant: Address | None) -> dict[str, Any]:
        """Its part of a tenant's section, or (None) of the top of the spec."""
        listed = self.in_tenant if tenant else self.in_platform
        if listed is None:
            return {}
        items = [self.told(one, there, listed.model) for one in self.of_section(there, tenant)]
        return {self.key: said} if (said := [item for item in items if item is not None]) else {}

    def of_section(self, there: Existing, tenant: Address | None) -> list[Observed]:
        """The resources that are listed in a section."""
        found = there.inside(self.name, tenant)
        known = (*self.built_in, *there.unlisted.get(self.key, ()))
        return found if tenant else [one for one in found if one.address.path[-1] not in known]

    def told(self, one: Observed, there: Existing, model: type[BaseModel] | None = None) -> Item | None:
        """What a spec says of a resource, without defaults; None if it cannot, and the reason is noted."""
        model = model or self.model
        assert model is not None, f"{self.name} has no model of its own"
        try:
            item = self.item(one, there)
            if item is None:
                return None
            if "name" in model.model_fields and "name" in item and not is_resource_name(item["name"]):
                raise Unsayable(f"the name {item['name']!r} cannot be in a spec")
            read = model.model_validate(item)
        except Unsayable as reason:
            there.omit(one.address, str(reason))
            return None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(step) for step in first["loc"])
            there.omit(one.address, f"a spec does not allow its {where}: {first['msg']}")
            return None
        return Item(one.address, read.model_dump(mode="json", by_alias=True, exclude_defaults=True))

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        """An item of the spec, defaults and all; None for what the spec does not list. Raises Unsayable."""
        listed = self.in_tenant or self.in_platform
        model = listed.model if listed else self.model
        assert model is not None
        here = one.address.path[:-1]
        item: dict[str, Any] = {}
        for key in model.model_fields:
            field = self.said_as.get(key, key)
            field = field if field in one.fields else f"{field}_id"
            if key == "name":
                item[key] = one.address.path[-1]
            elif field in one.fields and (value := there.said(one.fields[field], here)) is not None:
                item[key] = value
        return item
