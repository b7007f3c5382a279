"""Work that Ctrl-C ends at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def interruptible(body: Callable[[], T]) -> T:
    """Call `body` in a thread of its own and wait for it.

    Ctrl-C reaches the waiting thread alone, which need not wait for what is under way, as a pool of threads would.
    """
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
