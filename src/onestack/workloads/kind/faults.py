"""What OpenStack answers when it does not do what it was asked, as errors a person can read."""

from __future__ import annotations

from onestack.core.errors import PermanentError, TemporaryError

_UNSURE = (0, 502)
"""The connection broke: whether it was done before, nobody knows."""


class Fault(PermanentError):
    """What OpenStack answered. `status`: the HTTP status; `request`: its id, to be found in the logs."""

    def __init__(self, status: int, message: str, service: str, what: str, request: str) -> None:
        super().__init__(message, where=f"{service}, {what}, request {request}")
        self.status = status
        self.request = request


class TemporaryFault(TemporaryError):
    """As Fault, where OpenStack says, or means, that it will go by."""

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
