"""Runs work so that Ctrl-C ends it at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def interruptible(body: Callable[[], T]) -> T:
    """Call `body` in a thread of its own and wait for it. Ctrl-C interrupts the waiting thread only, which (unlike a
    pool of threads) does not wait for `body`."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(body())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, name="work", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.2)
    if failure:
        raise failure[0]
    return outcome[0]
