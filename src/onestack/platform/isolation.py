"""Checks that one tenant cannot find another's resources."""

from __future__ import annotations

from collections.abc import Callable

from openstack import exceptions

from onestack.core.errors import PermanentError


def expect_hidden(what: str, ask: Callable[[], object]) -> None:
    """Raise PermanentError unless a request for a resource is answered with 404."""
    try:
        ask()
    except exceptions.NotFoundException:
        return
    raise PermanentError(f"{what} can be seen by another tenant")
