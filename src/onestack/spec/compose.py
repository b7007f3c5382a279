"""Builds the spec's models from the kinds of resource.

A tenant's and the platform's own keys are declared in the models, so that other modules can use `tenant.servers`
with its type. The keys of other kinds are added here: a new kind is only its own module.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, Field, create_model

from onestack.spec.model import Spec
from onestack.spec.tenants import Template, Tenant
from onestack.workloads.kind.base import Listed, quota_key
from onestack.workloads.kind.discovery import Kinds, kinds
from onestack.workloads.resources.quota import Most, Quota, Word

Model = TypeVar("Model", bound=BaseModel)
Added = Mapping[str, Any]
"""Fields for `create_model`: the type and its FieldInfo."""


@cache
def whole() -> type[Spec]:
    """The spec with OneStack's own kinds."""
    return compose(kinds())


def compose(kinds: Kinds) -> type[Spec]:
    """A spec with these kinds. Raises TypeError if a list in a model has another type than its kind declares."""
    quota: Any = _quota(kinds)
    in_tenant = _lists(Tenant, {kind.key: kind.in_tenant for kind in kinds.values() if kind.in_tenant})
    in_tenant["quota"] = (quota, Field(quota()))
    fields = _lists(Spec, {kind.key: kind.in_platform for kind in kinds.values() if kind.in_platform})
    for key, model in (("tenants", Tenant), ("templates", Template)):
        fields[key] = _list_of(_extended(model, in_tenant))
    made = _extended(Spec, fields)
    made.built_in = {kind.key: kind.built_in for kind in kinds.values() if kind.built_in}
    return made


def _lists(model: type[BaseModel], wanted: Mapping[str, Listed]) -> dict[str, Any]:
    """The fields of a model's lists of resources."""
    for key, listed in wanted.items():
        declared = model.model_fields.get(key)
        if declared and get_args(declared.annotation)[0] is not listed.model:
            raise TypeError(f"{model.__name__}.{key} is no list of {listed.model.__name__}, as its kind says")
    return {key: _list_of(listed.model, listed.about) for key, listed in wanted.items()}


def _list_of(item: type[BaseModel], about: str | None = None) -> tuple[Any, Any]:
    return tuple[item, ...], Field((), description=about)  # type: ignore[valid-type]


def _extended(model: type[Model], fields: Added) -> type[Model]:
    """The same model, with the same name and more fields."""
    return create_model(model.__name__, __base__=model, __doc__=model.__doc__, **dict(fields))


def _quota(kinds: Kinds) -> type[Quota]:
    """The model of quotas, with the limits that the kinds of each service declare."""
    limits: dict[str, dict[str, Any]] = {key: {} for key in Quota.model_fields}
    for kind in kinds.values():
        for name, limit in kind.limits.items():
            field = (Annotated[Most, Word(limit.word)], Field(None, description=limit.about))
            limits[quota_key(kind.service)][name] = field
    sections = {}
    for key, fields in limits.items():
        known = Quota.model_fields[key]
        section: Any = _extended(known.annotation, fields)  # type: ignore[arg-type]
        sections[key] = (section, Field(section()))
    return _extended(Quota, sections)
