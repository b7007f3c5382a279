"""One RPC call that waits for its reply."""

from __future__ import annotations

import threading
import time


class PendingCall:
    """A call whose reply is pending: the caller waits on it, the server sets its reply.

    `timeout` and `monitor_timeout`: seconds; None is no limit. Each heartbeat of the server renews the second.
    """

    def __init__(self, timeout: float | None, monitor_timeout: float | None) -> None:
        now = time.monotonic()
        self.monitor_timeout = monitor_timeout
        self.abandoned = False
        self._changed = threading.Condition(threading.Lock())
        self._deadline = None if timeout is None else now + timeout
        self._monitor_deadline = now + monitor_timeout if monitor_timeout else None
        self._reply: str | None = None

    def set_reply(self, reply: str) -> bool:
        """Pass the reply to the caller; False if it no longer waits or has a reply already."""
        with self._changed:
            if self.abandoned or self._reply is not None:
                return False
            self._reply = reply
            self._changed.notify()
            return True

    def heartbeat(self) -> bool:
        """Renew the monitor timeout: the server is still at work. False if the caller no longer waits."""
        with self._changed:
            if self.monitor_timeout:
                self._monitor_deadline = time.monotonic() + self.monitor_timeout
            # No notify: after a wait that timed out the caller computes the deadline anew.
            return not self.abandoned

    def wait(self) -> str | None:
        """Wait for the reply; None after a timeout. Ends the call in either case."""
        with self._changed:
            try:
                while self._reply is None:
                    seconds_left = self._seconds_left()
                    if seconds_left is not None and seconds_left <= 0:
                        return None
                    self._changed.wait(seconds_left)
                return self._reply
            finally:
                self.abandoned = True

    def _seconds_left(self) -> float | None:
        deadlines = [each for each in (self._deadline, self._monitor_deadline) if each is not None]
        return min(deadlines) - time.monotonic() if deadlines else None
