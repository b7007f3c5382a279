"""How the API's threads tell the provider's worker that something is under way."""

from __future__ import annotations

import threading


class Wake:
    """An event, and the balancers that were asked to be made anew."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._anew: set[str] = set()

    def up(self) -> None:
        """Have the worker look."""
        self._event.set()

    def again(self, balancer: str) -> None:
        """Have the worker make a balancer anew, with what once failed."""
        with self._lock:
            self._anew.add(balancer)

    def take(self, balancer: str) -> bool:
        """Whether the balancer was asked to be made anew; says so once."""
        with self._lock:
            asked = balancer in self._anew
            self._anew.discard(balancer)
            return asked

    def wait(self, seconds: float) -> bool:
        """Wait until somebody calls, at most so long; whether somebody did."""
        called = self._event.wait(seconds)
        self._event.clear()
        return called


WAKE = Wake()
