"""OpenStack's error responses as exceptions with readable messages."""

from __future__ import annotations

from onestack.core.errors import PermanentError, TemporaryError

_UNSURE = (0, 502)
"""Statuses that stand for a broken connection: the request may have been executed all the same."""


class Fault(PermanentError):
    """An error response. `status`: the HTTP status; `request`: its id, to be found in the logs."""

    def __init__(self, status: int, message: str, service: str, what: str, request: str) -> None:
        super().__init__(message, where=f"{service}, {what}, request {request}")
        self.status = status
        self.request = request


class TemporaryFault(TemporaryError):
    """A Fault that is worth a retry."""

    def __init__(
        self, status: int, message: str, service: str, what: str, request: str, delay: float
    ) -> None:
        super().__init__(
            message,
            delay=delay,
            unsure=status in _UNSURE,
            where=f"{service}, {what}, request {request}",
        )
        self.status = status
        self.request = request
