"""The types of scaling policy: one module each, found by being in this package. Pure.

A module contains the type's section of the spec (a `PolicySpec`, whose docstrings appear in the reference and the
schema), and the policy itself, which recommends a size and gives the reason. The types are named nowhere else. A
folder that is added to this package's `__path__` is searched too.
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
    # Imported here, since the module itself imports this package.
    from onestack.autoscaling.policy import PolicySpec

    found: dict[str, type[PolicySpec]] = {}
    for module in modules(sys.modules[__name__]):
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, PolicySpec) and kind.__module__ == module.__name__:
                found[get_args(kind.model_fields["type"].annotation)[0]] = kind
    return found
