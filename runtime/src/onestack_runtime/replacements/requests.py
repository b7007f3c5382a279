"""What is found out again about each request although it stays the same: schemas, and signatures of methods.

A service's schemas are constants. Placement has each of them checked against the schema of schemas before it checks
a request against it, which took a sixth of its time; Nova makes a class of its own at each request to check it. Pecan
asks several times for each request which arguments a method takes.
"""

from __future__ import annotations

import functools
import threading
from typing import Any

from onestack_runtime.replacements.entry import NOT_ALONE, Replacement

MOST = 2000
"""Schemas, and methods, that are remembered; Nova has several hundred."""


class _Known:
    """By the schemas themselves: dictionaries, no keys, so by their identity as long as they are kept."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._made: dict[Any, tuple[Any, Any]] = {}

    def get(self, schema: Any, *more: Any, make: Any) -> Any:
        """What `make` gave for this schema and `more`, the first time. Raises what it raises."""
        key = (id(schema), *more)
        known = self._made.get(key)
        if known is None or known[0] is not schema:
            known = (schema, make())
            with self._guard:
                if len(self._made) >= MOST:
                    self._made.clear()
                self._made[key] = known
        return known[1]


def _check_schema(original: Any) -> tuple[Any, ...]:
    known = _Known()

    def check_schema(cls: Any, schema: Any, *how: Any, **named: Any) -> Any:
        check = original.__get__(None, cls)
        if how or named:
            return check(schema, *how, **named)
        return known.get(schema, cls, make=lambda: check(schema))

    return (classmethod(check_schema),)


def _validator(make: Any) -> tuple[Any, ...]:
    known = _Known()

    def _SchemaValidator(schema: Any, relax_additional_properties: bool = False, is_body: bool = True) -> Any:
        how = (bool(relax_additional_properties), bool(is_body))
        return known.get(schema, *how, make=lambda: make(schema, *how))

    return (_SchemaValidator,)


def _signature(original: Any) -> tuple[Any, ...]:
    ask = functools.lru_cache(MOST)(original)

    def _getargspec(method: Any) -> Any:
        # A method is another object each time, and lives as long as its controller.
        return ask(getattr(method, "__func__", method))

    return (_getargspec,)


ENTRIES = (
    Replacement(
        "schemas-checked-once",
        ("jsonschema.validators:Draft202012Validator.check_schema",),
        ("placement",),
        "performance",
        "a schema is checked against the schema of schemas once, not before each request",
        _check_schema,
        f"the checks took a sixth of Placement's time; {NOT_ALONE}",
        uses=("jsonschema.validators:validate", "placement.util:extract_json"),
    ),
    Replacement(
        "nova-validators",
        ("nova.api.validation.validators:_SchemaValidator",),
        ("nova",),
        "performance",
        "the class that checks requests against a schema is made once for each schema, not for each request",
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
        "which arguments a controller's method takes is found out once",
        _signature,
        f"with the arguments of policy rules, a twentieth of Neutron's time; {NOT_ALONE}",
        uses=("pecan.util:getargspec",),
        workers=("api",),
    ),
)
