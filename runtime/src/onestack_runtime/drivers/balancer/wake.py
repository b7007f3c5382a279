"""Lets the API's threads wake the provider's worker."""

from __future__ import annotations

import threading


class Wake:
    """An event, and the balancers for which a retry was requested."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._retries: set[str] = set()

    def up(self) -> None:
        """Wake the worker."""
        self._event.set()

    def request_retry(self, balancer: str) -> None:
        """Have the worker retry a balancer, including its objects in ERROR."""
        with self._lock:
            self._retries.add(balancer)

    def take_retry(self, balancer: str) -> bool:
        """Whether a retry of the balancer was requested; clears the request."""
        with self._lock:
            requested = balancer in self._retries
            self._retries.discard(balancer)
            return requested

    def wait(self, seconds: float) -> bool:
        """Wait for a wake-up, at most `seconds`; returns whether there was one."""
        woken = self._event.wait(seconds)
        self._event.clear()
        return woken


WAKE = Wake()
