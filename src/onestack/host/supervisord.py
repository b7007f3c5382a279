"""Runs supervisord with a fixed poller, so that it sleeps when nothing happens: `python -m onestack.host.supervisord
-c FILE`.

Its own poller keeps the number of a file descriptor that was closed within a round. If a new pipe gets that number
and its reader is closed, poll() returns at once, again and again, with an event that supervisord ignores, and takes
a whole processor (Supervisor/supervisor, issue 807). supervisord registers its descriptors in each round, so a
poller that forgets them after each round cannot have this fault.
"""

from __future__ import annotations

import syslog

from supervisor import poller, supervisord

SYSLOG_NAME = "onestack"
"""The name of a cloud's lines in syslog; the process' own name follows."""


class Forgetful(poller.SelectPoller):  # type: ignore[misc]
    """Waits for the file descriptors that were registered since the last wait, and no others. They must be below
    1024."""

    def poll(self, timeout: float) -> tuple[list[int], list[int]]:
        """The descriptors that can be read, and that can be written, within `timeout` seconds."""
        try:
            readable, writable = super().poll(timeout)
        finally:
            self.unregister_all()
        return readable, writable


def main() -> None:
    poller.Poller = Forgetful
    # Used only where the spec has lines sent there.
    syslog.openlog(SYSLOG_NAME, 0, syslog.LOG_DAEMON)
    supervisord.main()


if __name__ == "__main__":
    main()
