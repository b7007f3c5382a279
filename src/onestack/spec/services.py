"""The services that can be chosen, by OpenStack's service types, and their dependencies.

Each service's module in `onestack.platform.services` declares them. That package is a layer above this one and is
imported by name when the first spec is read, so that a service is one module and no table here repeats it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import BeforeValidator, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from onestack.language.types import Problem, refused, words

_DECLARED_IN = "onestack.platform.services"


def requires() -> Mapping[str, tuple[str, ...]]:
    """Service type -> the types that it requires, each after those that it requires itself."""
    return {type_: service.requires for type_, service in _catalogue().items()}


def projects() -> Mapping[str, str]:
    """Other names of services -> the type: the project's name, and the path at the API gateway."""
    found: dict[str, str] = {}
    for type_, service in _catalogue().items():
        found[service.name] = type_
        if service.endpoint and service.endpoint.path not in _catalogue():
            found[service.endpoint.path] = type_
    return found


def types() -> tuple[str, ...]:
    """All service types, each after those that it requires."""
    return tuple(_catalogue())


def names() -> list[str]:
    """All names by which a service can be chosen."""
    return [*types(), *(name for name in projects() if name not in types())]


def _catalogue() -> Mapping[str, Any]:
    found: Mapping[str, Any] = importlib.import_module(_DECLARED_IN).CATALOGUE
    return found


@dataclass(frozen=True)
class Resolution:
    """`ordered`: all services that will run, each after those that it requires. `added`: services that were not
    chosen -> the services that require them."""

    ordered: tuple[str, ...]
    added: Mapping[str, tuple[str, ...]]

    @property
    def notes(self) -> tuple[str, ...]:
        """The additions, in words."""
        return tuple(
            f"{service} is added: {' and '.join(who)} cannot work without it"
            for service, who in self.added.items()
        )


def canonical(name: str) -> str:
    """The service type for a type or a project's name. Raises KeyError for an unknown name."""
    wanted = name.strip().lower()
    return wanted if wanted in types() else projects()[wanted]


def resolve(chosen: Iterable[str], exclude: Iterable[str] = ()) -> Resolution:
    """Complete a choice with the required services, without the excluded ones. The choice must have no `conflicts`.

    Raises KeyError for an unknown service.
    """
    left_out = {canonical(name) for name in exclude}
    wanted = {canonical(name) for name in chosen} - left_out
    needed = wanted.union(*(_all_needs(service) for service in wanted)) - left_out
    needs, order = requires(), types()
    added = {
        service: tuple(who for who in order if who in needed and service in needs[who])
        for service in order
        if service in needed - wanted
    }
    return Resolution(tuple(service for service in order if service in needed), added)


def conflicts(chosen: Iterable[str], exclude: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each excluded service that a chosen one requires, and the latter."""
    left_out = {canonical(name) for name in exclude}
    wanted = {canonical(name) for name in chosen} - left_out
    for service in types():
        who = tuple(other for other in types() if other in wanted and service in _all_needs(other))
        if service in left_out and who:
            yield service, who


def _all_needs(service: str) -> set[str]:
    direct = requires()[service]
    return set(direct).union(*(_all_needs(other) for other in direct))


def _service(value: Any) -> Any:
    try:
        return canonical(value)
    except (KeyError, AttributeError) as error:
        near = get_close_matches(str(value).lower(), names(), 1)
        hint = f"did you mean '{canonical(near[0])}'?" if near else ""
        allowed = f"one of {', '.join(types())}"
        raise refused(Problem(f"there is no service {words(value)}", allowed, hint)) from error


class _SchemaOfService:
    """Generated when it is needed: the services are not known while the spec's classes are created."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        allowed = f"one of {', '.join(types())}"
        return {"type": "string", "enum": names(), "x-allowed": allowed}


def default_in_schema(schema: dict[str, Any]) -> None:
    """The default of the list of services in the JSON Schema: all."""
    schema["default"] = list(types())


ServiceType = Annotated[str, BeforeValidator(_service), _SchemaOfService]
