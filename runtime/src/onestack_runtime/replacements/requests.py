"""Caches what upstream computes anew for each request although it is constant: JSON schemas and method signatures.

Placement validates each of its schemas against the JSON meta-schema before it validates a request, which took a sixth
of its time. Nova creates a validator class for each request. Pecan inspects a method's signature several times for
each request.
"""

from __future__ import annotations

import functools
import threading
from typing import Any

from onestack_runtime.replacements.entry import NOT_ALONE, Replacement

CACHE_SIZE = 2000
"""How many schemas, and how many methods, are cached; Nova has several hundred of each."""


class _SchemaCache:
    """A cache by schema. Schemas are not hashable: the key is their identity, and the cache keeps them alive."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._entries: dict[Any, tuple[Any, Any]] = {}

    def get(self, schema: Any, *more: Any, make: Any) -> Any:
        """The cached result of `make` for this schema and `more`; calls it the first time. Raises what it raises."""
        key = (id(schema), *more)
        entry = self._entries.get(key)
        if entry is None or entry[0] is not schema:
            entry = (schema, make())
            with self._guard:
                if len(self._entries) >= CACHE_SIZE:
                    self._entries.clear()
                self._entries[key] = entry
        return entry[1]


def _check_schema(original: Any) -> tuple[Any, ...]:
    cache = _SchemaCache()

    def check_schema(cls: Any, schema: Any, *how: Any, **named: Any) -> Any:
        check = original.__get__(None, cls)
        if how or named:
            return check(schema, *how, **named)
        return cache.get(schema, cls, make=lambda: check(schema))

    return (classmethod(check_schema),)


def _validator(upstream: Any) -> tuple[Any, ...]:
    cache = _SchemaCache()

    def _SchemaValidator(schema: Any, relax_additional_properties: bool = False, is_body: bool = True) -> Any:
        options = (bool(relax_additional_properties), bool(is_body))
        return cache.get(schema, *options, make=lambda: upstream(schema, *options))

    return (_SchemaValidator,)


def _signature(original: Any) -> tuple[Any, ...]:
    cached = functools.lru_cache(CACHE_SIZE)(original)

    def _getargspec(method: Any) -> Any:
        # Cached by function: each access to a bound method creates a new object, which keeps its controller alive.
        return cached(getattr(method, "__func__", method))

    return (_getargspec,)


ENTRIES = (
    Replacement(
        "schemas-checked-once",
        ("jsonschema.validators:Draft202012Validator.check_schema",),
        ("placement",),
        "performance",
        "a schema is validated against the JSON meta-schema once, not before each request",
        _check_schema,
        f"the validations took a sixth of Placement's time; {NOT_ALONE}",
        uses=("jsonschema.validators:validate", "placement.util:extract_json"),
    ),
    Replacement(
        "nova-validators",
        ("nova.api.validation.validators:_SchemaValidator",),
        ("nova",),
        "performance",
        "the class that validates requests against a schema is created once for each schema, not for each request",
        _validator,
        NOT_ALONE,
        uses=tuple(
            f"nova.api.validation.validators:_SchemaValidator.{name}" for name in ("__init__", "validate")
        ),
        workers=("api",),
    ),
    Replacement(
        "method-signatures",
        ("pecan.util:_getargspec",),
        ("neutron",),
        "performance",
        "the signature of a controller's method is inspected once, not several times for each request",
        _signature,
        f"with `policy-rule-arguments`, a twentieth of Neutron's time; {NOT_ALONE}",
        uses=("pecan.util:getargspec",),
        workers=("api",),
    ),
)
