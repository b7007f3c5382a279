"""The class that validates a request to Nova is created once for each JSON schema, not for each request."""

from __future__ import annotations

import threading
from typing import Any

from onestack_runtime.replacements.entry import Replacement, of_server

CACHE_SIZE = 2000
"""How many schemas are cached; Nova has several hundred."""


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


def _validator(upstream: Any) -> tuple[Any, ...]:
    cache = _SchemaCache()

    def _SchemaValidator(schema: Any, relax_additional_properties: bool = False, is_body: bool = True) -> Any:
        options = (bool(relax_additional_properties), bool(is_body))
        return cache.get(schema, *options, make=lambda: upstream(schema, *options))

    return (_SchemaValidator,)


ENTRIES = (
    Replacement(
        "nova-validators",
        ("nova.api.validation.validators:_SchemaValidator",),
        ("nova",),
        "performance",
        "the class that validates requests against a schema is created once for each schema, not for each request",
        _validator,
        of_server("1.5 ± 0.6", "2.9 ± 0.9"),
        uses=tuple(
            f"nova.api.validation.validators:_SchemaValidator.{name}" for name in ("__init__", "validate")
        ),
        workers=("api",),
    ),
)
