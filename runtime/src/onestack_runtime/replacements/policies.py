"""oslo.policy: what rules take is found out once, and policy files are read once.

It asks the first of each rule that it checks, for each field of each answer: a twentieth of Neutron's time.
"""

from __future__ import annotations

import functools
import inspect
import weakref
from typing import Any

from onestack_runtime.replacements.entry import NOT_ALONE, Replacement

MOST = 2000
"""Kinds of rules."""


def _check(original: Any) -> tuple[Any, ...]:
    @functools.lru_cache(MOST)
    def takes_name(kind: Any) -> bool:
        """Whether its rules want to know, as a fourth, the name of the policy that is checked."""
        return len(inspect.getfullargspec(kind.__call__).args) > 4

    def _check(rule: Any, target: Any, creds: Any, enforcer: Any, current_rule: Any) -> Any:
        if takes_name(rule.__class__):
            return rule(target, creds, enforcer, current_rule)
        return rule(target, creds, enforcer)

    return (_check,)


def _load(load: Any) -> tuple[Any, ...]:
    known: weakref.WeakKeyDictionary[Any, tuple[Any, ...]] = weakref.WeakKeyDictionary()

    def state(enforcer: Any) -> tuple[Any, ...]:
        """What there is to load from, and what it was loaded into; changed by whoever clears or registers rules."""
        return id(enforcer.rules), len(enforcer.registered_rules), enforcer.use_conf

    def load_rules(self: Any, force_reload: bool = False) -> None:
        if force_reload or known.get(self) != state(self):
            load(self, force_reload)
            known[self] = state(self)

    return (load_rules,)


_POLICY = "oslo_policy.policy:Enforcer"

ENTRIES = (
    Replacement(
        "policy-rule-arguments",
        ("oslo_policy._checks:_check",),
        ("nova", "neutron", "placement"),
        "performance",
        "what arguments a kind of policy rule takes is found out once, not at each check",
        _check,
        f"with the signatures that Pecan asks for, a twentieth of Neutron's time; {NOT_ALONE}",
        uses=("oslo_policy._checks:BaseCheck",),
    ),
    Replacement(
        "policy-files",
        (f"{_POLICY}.load_rules",),
        ("nova", "neutron"),
        "performance",
        "policy files and folders are looked for when a process starts, not at each check of each field of an answer",
        _load,
        NOT_ALONE,
        differs="a policy file that is made or changed is read at the next start of the process",
        uses=(f"{_POLICY}.set_rules", f"{_POLICY}.clear", f"{_POLICY}.register_default"),
    ),
)
