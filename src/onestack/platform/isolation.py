"""Checks that one tenant cannot find another's resources."""

from __future__ import annotations

from collections.abc import Callable

from onestack.core.errors import PermanentError


def expect_hidden(what: str, ask: Callable[[], object]) -> None:
    """Raise PermanentError unless a request for a resource is answered with 404."""
    # The keeper, which runs on every host, loads the services' declarations, and would keep 20 MiB of openstacksdk.
    from openstack import exceptions

    try:
        ask()
    except exceptions.NotFoundException:
        return
    raise PermanentError(f"{what} can be seen by another tenant")
