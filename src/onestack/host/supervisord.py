"""supervisord, run so that it sleeps when nothing happens: `python -m onestack.host.supervisord -c FILE`.

Its own poller keeps the number of a connection that was closed within a round. When the next pipe gets that number
and its reader is gone, poll() returns at once, again and again, with an event that supervisord ignores: a whole core
(Supervisor/supervisor, issue 807). It tells the poller in every round what it waits for, so a poller that
forgets after each round cannot go wrong.
"""

from __future__ import annotations

from supervisor import poller, supervisord


class Forgetful(poller.SelectPoller):  # type: ignore[misc]
    """Waits for the file descriptors registered since the last wait, and no others. They must be below 1024."""

    def poll(self, timeout: float) -> tuple[list[int], list[int]]:
        """The descriptors that can be read, and that can be written, within `timeout` seconds."""
        try:
            readable, writable = super().poll(timeout)
        finally:
            self.unregister_all()
        return readable, writable


def main() -> None:
    poller.Poller = Forgetful
    supervisord.main()


if __name__ == "__main__":
    main()
