"""Says over HTTP whether this host's MariaDB may be used: it is synchronized with a majority of the cluster.

    python3 -m onestack_runtime.serving.database_check SOCKET MARIADB_SOCKET

That MariaDB accepts connections says little: a member that is cut off from the others does too, and refuses each
statement. The database gateways of all control hosts ask, so that all choose the same member. Answers 200 or 503 to
any request; the body has the member's state in words.
"""

from __future__ import annotations

import os
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any

STATUS = ("wsrep_cluster_status", "wsrep_local_state_comment", "wsrep_ready", "wsrep_cluster_size")
USABLE = ("Synced", "Donor/Desynced")
"""A donor serves on: the state transfer with mariadb-backup does not block it."""
SECONDS = 1
"""The timeout of a query: a MariaDB that is stopped must not stop the check."""


def usable(status: dict[str, str]) -> bool:
    """Whether a member with these values of STATUS may be used."""
    return (
        status.get("wsrep_cluster_status") == "Primary"
        and status.get("wsrep_ready") == "ON"
        and status.get("wsrep_local_state_comment") in USABLE
    )


class Member:
    """The MariaDB of this host, over one connection that is kept."""

    def __init__(self, mariadb_socket: str) -> None:
        self._socket = mariadb_socket
        self._lock = threading.Lock()
        self._connection: Any = None

    def look(self) -> tuple[bool, str]:
        """Whether it may be used, and its state in words."""
        with self._lock:
            try:
                status = self._query()
            except Exception as error:
                self._connection = None
                return False, str(error)
        return usable(status), ", ".join(f"{name} {status.get(name)}" for name in STATUS)

    def _query(self) -> dict[str, str]:
        import MySQLdb

        if self._connection is None:
            limits = dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), SECONDS)
            self._connection = MySQLdb.connect(unix_socket=self._socket, user="root", **limits)
        cursor = self._connection.cursor()
        names = ", ".join(f"'{name}'" for name in STATUS)
        cursor.execute(f"SHOW GLOBAL STATUS WHERE variable_name IN ({names})")
        return dict(cursor.fetchall())


class Server(ThreadingMixIn, UnixStreamServer):
    """An HTTP server on a unix socket."""

    daemon_threads = True
    request_queue_size = 32

    def __init__(self, place: Path, member: Member) -> None:
        self.member = member
        place.unlink(missing_ok=True)
        # The API gateway's user, whose group the folder has, must reach it.
        before = os.umask(0o117)
        try:
            super().__init__(str(place), Handler)
        finally:
            os.umask(before)


class Handler(BaseHTTPRequestHandler):
    """Answers any request with the member's state."""

    server: Server
    timeout = 5

    def do_GET(self) -> None:
        good, words = self.server.member.look()
        body = f"{words}\n".encode()
        self.send_response(200 if good else 503)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:
        """Several requests a second are not worth a line each."""


def main(place: str, mariadb_socket: str) -> None:
    """Serve until SIGTERM."""
    server = Server(Path(place), Member(mariadb_socket))
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:3])
