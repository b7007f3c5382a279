"""The spec's models as the kinds of resource there are make them.

A tenant's and the platform's own keys are declared in the models, so that other rooms read `tenant.servers` with its
type. A kind whose key is not among them adds it here: its module is all that is needed.
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
"""Fields as `create_model` takes them: a type and what is known of it."""


@cache
def whole() -> type[Spec]:
    """With OneStack's own kinds."""
    return compose(kinds())


def compose(kinds: Kinds) -> type[Spec]:
    """A spec that may list all these kinds. Raises TypeError where a model's list is not of what its kind says."""
    quota: Any = _quota(kinds)
    in_tenant = _lists(Tenant, {kind.key: kind.in_tenant for kind in kinds.values() if kind.in_tenant})
    in_tenant["quota"] = (quota, Field(quota(), description=Tenant.model_fields["quota"].description))
    fields = _lists(Spec, {kind.key: kind.in_platform for kind in kinds.values() if kind.in_platform})
    for key, model in (("tenants", Tenant), ("templates", Template)):
        fields[key] = _list_of(_with(model, in_tenant), Spec.model_fields[key].description)
    made = _with(Spec, fields)
    made.furnished = {kind.key: kind.furnished for kind in kinds.values() if kind.furnished}
    return made


def _lists(model: type[BaseModel], wanted: Mapping[str, Listed]) -> dict[str, Any]:
    """A model's fields for what kinds list in it."""
    for key, listed in wanted.items():
        declared = model.model_fields.get(key)
        if declared and get_args(declared.annotation)[0] is not listed.model:
            raise TypeError(f"{model.__name__}.{key} is no list of {listed.model.__name__}, as its kind says")
    return {key: _list_of(listed.model, listed.about) for key, listed in wanted.items()}


def _list_of(item: type[BaseModel], about: str | None) -> tuple[Any, Any]:
    return tuple[item, ...], Field((), description=about)  # type: ignore[valid-type]


def _with(model: type[Model], fields: Added) -> type[Model]:
    """The same model, by the same name, with more fields."""
    # Its descriptions are those of the model and of `fields`: it has no source to be searched for docstrings.
    config: dict[str, Any] = {"use_attribute_docstrings": False}
    return create_model(
        model.__name__, __base__=model, __doc__=model.__doc__, __cls_kwargs__=config, **dict(fields)
    )


def _quota(kinds: Kinds) -> type[Quota]:
    """With the limits that the kinds of each service declare."""
    limits: dict[str, dict[str, Any]] = {key: {} for key in Quota.model_fields}
    for kind in kinds.values():
        for name, limit in kind.limits.items():
            field = (Annotated[Most, Word(limit.word)], Field(None, description=limit.about))
            limits[quota_key(kind.service)][name] = field
    sections = {}
    for key, fields in limits.items():
        known = Quota.model_fields[key]
        section: Any = _with(known.annotation, fields)  # type: ignore[arg-type]
        sections[key] = (section, Field(section(), description=known.description))
    return _with(Quota, sections)
