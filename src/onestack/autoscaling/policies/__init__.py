"""The types of scaling policy: one module each, found by being in this package. Pure.

A module has the type's part of the spec (a `PolicySpec`, whose descriptions are the reference's and the schema's),
and what that recommends for a moment of a group, and why. Nothing else names the types. A folder that is added to
this package's `__path__` is searched too.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, get_args

from onestack.core.discovery import modules

if TYPE_CHECKING:
    from onestack.autoscaling.policy import PolicySpec


def types() -> Mapping[str, type[PolicySpec]]:
    """Every type of policy by its name in a spec, in the order of the modules' names."""
    return _types(tuple(__path__))


@cache
def _types(places: tuple[str, ...]) -> Mapping[str, type[PolicySpec]]:
    # Not at the beginning: it would need this package.
    from onestack.autoscaling.policy import PolicySpec

    found: dict[str, type[PolicySpec]] = {}
    for module in modules(sys.modules[__name__]):
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, PolicySpec) and kind.__module__ == module.__name__:
                found[get_args(kind.model_fields["type"].annotation)[0]] = kind
    return found
