"""Schemas of requests, made ready once.

A service's schemas are constants. Placement has each of them checked against the schema of schemas before it checks
a request against it, which took a sixth of its time; Nova makes a class of its own at each request to check it.
"""

from __future__ import annotations

import threading
from typing import Any

MOST = 2000
"""Schemas that are remembered; Nova has several hundred."""


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


def check_once(validator: Any) -> None:
    """`validator`: a class of jsonschema's, whose check of schemas raises SchemaError."""
    check = validator.check_schema
    known = _Known()

    def check_schema(schema: Any, *how: Any, **named: Any) -> None:
        if how or named:
            check(schema, *how, **named)
        else:
            known.get(schema, make=lambda: check(schema))

    validator.check_schema = staticmethod(check_schema)


def of_nova(validators: Any) -> None:
    """`validators`: nova.api.validation.validators."""
    make = validators._SchemaValidator
    known = _Known()

    def _SchemaValidator(schema: Any, relax_additional_properties: bool = False, is_body: bool = True) -> Any:
        how = (bool(relax_additional_properties), bool(is_body))
        return known.get(schema, *how, make=lambda: make(schema, *how))

    validators._SchemaValidator = _SchemaValidator
