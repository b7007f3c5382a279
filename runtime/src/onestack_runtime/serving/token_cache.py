"""A cache of validated tokens in the process, so that not every request needs a request to Keystone.

keystonemiddleware's own in-process cache is one dictionary for each concurrent request, and each lookup scans it
completely. With `[keystone_authtoken] cache`, keystonemiddleware takes a cache from the WSGI environment instead.
"""

from __future__ import annotations

import threading
import time as clock
from collections import OrderedDict

CAPACITY = 2000
"""In tokens; each takes 2-5 kB."""


class TokenCache:
    """The part of a memcached client that keystonemiddleware uses."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        """The value; None if it is unknown or has expired."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            if entry[0] <= clock.monotonic():
                del self._entries[key]
                return None
            self._entries.move_to_end(key)
            return entry[1]

    def set(self, key: str, value: bytes, time: float = 0) -> bool:
        """Keep `value` for `time` seconds. A full cache drops the least recently used entry."""
        with self._lock:
            self._entries[key] = (clock.monotonic() + time, value)
            self._entries.move_to_end(key)
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)
        return True
