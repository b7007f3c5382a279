"""What one tenant has, no other may find."""

from __future__ import annotations

from collections.abc import Callable

from openstack import exceptions

from onestack.core.errors import PermanentError


def expect_hidden(what: str, ask: Callable[[], object]) -> None:
    """Raises PermanentError unless asking for it says that there is no such thing."""
    try:
        ask()
    except exceptions.NotFoundException:
        return
    raise PermanentError(f"{what} can be seen by another tenant")
