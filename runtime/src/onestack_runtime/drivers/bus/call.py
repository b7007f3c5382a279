"""One RPC call that waits for its reply."""

from __future__ import annotations

import threading
import time


class PendingCall:
    """The place where a caller waits and a server answers.

    `timeout` and `monitor_timeout` are seconds, None is for ever; the second is renewed by each heartbeat of
    the server. The caller is woken by the answer itself.
    """

    def __init__(self, timeout: float | None, monitor_timeout: float | None) -> None:
        now = time.monotonic()
        self.monitor_timeout = monitor_timeout
        self.abandoned = False
        self._changed = threading.Condition(threading.Lock())
        self._deadline = None if timeout is None else now + timeout
        self._monitor_deadline = now + monitor_timeout if monitor_timeout else None
        self._reply: str | None = None

    def answer(self, reply: str) -> bool:
        """Hand over the reply; False if the caller is gone or has one already."""
        with self._changed:
            if self.abandoned or self._reply is not None:
                return False
            self._reply = reply
            self._changed.notify()
            return True

    def heartbeat(self) -> bool:
        """The server still works on it; False if the caller is gone."""
        with self._changed:
            if self.monitor_timeout:
                self._monitor_deadline = time.monotonic() + self.monitor_timeout
            # No wake-up: a caller whose wait ends early looks at the deadline again.
            return not self.abandoned

    def wait(self) -> str | None:
        """The reply, or None when a deadline has passed without one; the call is over then."""
        with self._changed:
            try:
                while self._reply is None:
                    left = self._time_left()
                    if left is not None and left <= 0:
                        return None
                    self._changed.wait(left)
                return self._reply
            finally:
                self.abandoned = True

    def _time_left(self) -> float | None:
        deadlines = [each for each in (self._deadline, self._monitor_deadline) if each is not None]
        return min(deadlines) - time.monotonic() if deadlines else None
