"""Functions' signatures are found out once; what is called, and with what, is as before."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import pytest
from oslo_policy import _checks
from pecan import util

from onestack_runtime import signatures


class Named(_checks.BaseCheck):
    """A rule that wants to know the policy that is checked."""

    def __str__(self) -> str:
        return "named"

    def __call__(self, target: Any, creds: Any, enforcer: Any, current_rule: Any = None) -> bool:
        return bool(creds == current_rule)


class Old(Named):
    """One of those that know nothing of it."""

    def __call__(self, target: Any, creds: Any, enforcer: Any) -> bool:  # type: ignore[override]
        return bool(creds == "old")


@pytest.mark.parametrize("creds", ["policy", "old", "else"])
def test_rules_are_checked_as_before(creds: str) -> None:
    ours = SimpleNamespace()
    signatures.of_rules(ours)
    for rule in (Named(), Old(), _checks.TrueCheck(), _checks.AndCheck([Named(), Old()]), Named()):
        asked = (rule, {}, creds, None, "policy")
        assert ours._check(*asked) == _checks._check(*asked)


class Controller:
    def get(self, ident: str, fields: Any = None, *more: str, **filters: str) -> None:
        """A method that Pecan calls."""

    @staticmethod
    def post(body: Any) -> None:
        """And one without `self`."""

    def put(self, ident: str) -> None:
        pass


def wrapped(method: Any) -> Any:
    @functools.wraps(method)
    def wrapper(*args: Any, **named: Any) -> Any:
        return method(*args, **named)

    return wrapper


Controller.put = wrapped(Controller.put)  # type: ignore[method-assign]


def test_methods_have_the_signatures_they_had_and_no_controller_is_kept() -> None:
    asked: list[Any] = []

    def ask(method: Any) -> Any:
        asked.append(method)
        return util._getargspec(method)

    ours = SimpleNamespace(_getargspec=ask)
    signatures.of_methods(ours)
    for controller in (Controller(), Controller()):
        for name in ("get", "post", "put"):
            method = getattr(controller, name)
            assert tuple(ours._getargspec(method)) == tuple(util._getargspec(method))
    assert len(asked) == 3
    assert not any(hasattr(method, "__self__") for method in asked)
