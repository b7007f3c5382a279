"""What arguments a function takes, found out once.

oslo.policy asks it of each rule that it checks, for each field of each answer; Pecan of each method that it calls,
several times at each request. It was a twentieth of Neutron's time.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

MOST = 2000
"""Functions; they may be made at each request, though none is today."""


def of_rules(checks: Any) -> None:
    """`checks`: oslo_policy._checks."""

    @functools.lru_cache(MOST)
    def takes_name(kind: type) -> bool:
        """Whether its rules want to know, as a fourth, the name of the policy that is checked."""
        return len(inspect.getfullargspec(kind.__call__).args) > 4

    def _check(rule: Any, target: Any, creds: Any, enforcer: Any, current_rule: Any) -> Any:
        if takes_name(type(rule)):
            return rule(target, creds, enforcer, current_rule)
        return rule(target, creds, enforcer)

    checks._check = _check


def of_methods(util: Any) -> None:
    """`util`: pecan.util."""
    ask = functools.lru_cache(MOST)(util._getargspec)
    # A method is another object each time, and lives as long as its controller.
    util._getargspec = lambda method: ask(getattr(method, "__func__", method))
