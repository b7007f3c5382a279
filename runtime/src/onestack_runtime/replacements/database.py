"""Database connections without superfluous round trips.

SQLAlchemy pings the server whenever it takes a connection from its pool, and rolls back whenever it returns one, even
after a commit. MySQLdb checks twice after each statement whether another result set follows. Each of these calls lets
the process's other threads run. Without them there are a third fewer context switches under load.
"""

from __future__ import annotations

import select
import time
from typing import Any

from onestack_runtime.replacements.entry import Replacement

ALIVE_SECONDS = 1.0
"""How long after its last answer the server counts as alive, unless it has closed the connection."""

_ONE_RESULT = (
    b"SELECT ",
    b"SELECT\n",
    b"INSERT ",
    b"UPDATE ",
    b"DELETE ",
    b"SAVEPOINT ",
    b"RELEASE SAVEPOINT ",
)
"""The beginnings of statements with exactly one result set; a CALL may have several."""


def connection(base: Any) -> Any:
    """The class of such connections. `base`: MySQLdb's own class, whose exceptions it raises."""

    class Connection(base):  # type: ignore[misc]
        """One connection, used by one thread at a time."""

        def __init__(self, *args: Any, **named: Any) -> None:
            self._pending = True
            self._single_result = False
            self._answered_at = float("-inf")
            super().__init__(*args, **named)

        def query(self, query: bytes | bytearray | str) -> None:
            """Send a statement, and wait for its result."""
            self._pending = True
            self._single_result = False
            super().query(query)
            self._answered_at = time.monotonic()
            if isinstance(query, bytes | bytearray):  # MySQLdb itself may pass strings
                self._single_result = query.startswith(_ONE_RESULT) and b";" not in query

        def next_result(self) -> int:
            """Go to the next result set: 0, or -1 if there is none."""
            return -1 if self._single_result else int(super().next_result())

        def commit(self) -> None:
            """Commit, if a statement was sent since the last `commit` or `rollback`."""
            if self._pending:
                super().commit()
                self._transaction_ended()

        def rollback(self) -> None:
            """Roll back, if a statement was sent since the last `commit` or `rollback`."""
            if self._pending:
                super().rollback()
                self._transaction_ended()

        def ping(self, *reconnect: bool) -> None:
            """Raise OperationalError if the server is gone.

            A server that answered a moment ago is alive, unless it has closed the connection: then the socket is
            readable (an error packet or end of file).
            """
            recent = time.monotonic() - self._answered_at <= ALIVE_SECONDS
            if not recent or _readable(self.fileno()):
                super().ping(*reconnect)
                self._answered_at = time.monotonic()

        def _transaction_ended(self) -> None:
            self._pending = False
            self._answered_at = time.monotonic()

    return Connection


def _readable(file_descriptor: int) -> bool:
    poll = select.poll()
    poll.register(file_descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _connect(original: Any) -> tuple[Any, ...]:
    import MySQLdb.connections

    return (connection(MySQLdb.connections.Connection),)


_ALL = ("keystone", "glance", "placement", "neutron", "nova", "cinder", "octavia")
_WORKERS = ("api", "conductor", "scheduler")
"""The workers of Nova and Neutron that use a database."""
_GAIN = (
    "a third fewer context switches under load, with another entry that is gone (c668341); 1.5 ± 3.9 % of a created "
    "server's CPU: it is in all processes, so the machine's speed cannot be divided out (docs/performance.md)"
)
_CONNECTION = "MySQLdb.connections:Connection"

ENTRIES = (
    Replacement(
        "database-connections",
        ("MySQLdb:connect",),
        _ALL,
        "performance",
        "a database connection does not ping a server that answered within the last second, does not commit or roll "
        "back where no statement was sent, and does not look for a second result set where there is only one",
        _connect,
        _GAIN,
        uses=(
            *(f"{_CONNECTION}.{name}" for name in ("query", "commit", "rollback", "ping", "next_result")),
            "MySQLdb.cursors:BaseCursor.nextset",
            "MySQLdb.cursors:BaseCursor._query",
            "sqlalchemy.dialects.mysql.mysqldb:MySQLDialect_mysqldb.do_ping",
        ),
        workers=_WORKERS,
    ),
)
