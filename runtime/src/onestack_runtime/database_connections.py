"""Connections to the database that ask the server nothing whose answer they know.

Before each use of a connection SQLAlchemy asks whether the server is still there; after each it rolls back, also what
was just committed; and MySQLdb looks twice at each statement whether more results follow. At each of these the
process's other threads take over. Without them the machine changes threads a third less often under load.
"""

from __future__ import annotations

import time
from typing import Any

HEARD_SECONDS = 1.0
"""How long after its last answer the server counts as there. What is lost meanwhile fails as in mid-request."""

_ONE_RESULT = (
    b"SELECT ",
    b"SELECT\n",
    b"INSERT ",
    b"UPDATE ",
    b"DELETE ",
    b"SAVEPOINT ",
    b"RELEASE SAVEPOINT ",
)
"""How statements begin that have one result, as opposed to a CALL."""


def connection(base: Any) -> Any:
    """The class of such connections. `base`: MySQLdb's own, which raises what these raise."""

    class Connection(base):  # type: ignore[misc]
        """One connection, used by one thread at a time."""

        def __init__(self, *args: Any, **named: Any) -> None:
            self._pending = True
            self._last = False
            self._heard = float("-inf")
            super().__init__(*args, **named)

        def query(self, query: bytes | bytearray | str) -> None:
            """Send a statement, and wait for its result."""
            self._pending = True
            self._last = False
            super().query(query)
            self._heard = time.monotonic()
            if isinstance(query, bytes | bytearray):  # MySQLdb's own may be strings
                self._last = query.startswith(_ONE_RESULT) and b";" not in query

        def next_result(self) -> int:
            """Whether one more result follows: 0, or -1 where none does."""
            return -1 if self._last else int(super().next_result())

        def commit(self) -> None:
            """Keep what was done since the last `commit` or `rollback`."""
            if self._pending:
                super().commit()
                self._done()

        def rollback(self) -> None:
            """Undo what was done since the last `commit` or `rollback`."""
            if self._pending:
                super().rollback()
                self._done()

        def ping(self, *reconnect: bool) -> None:
            """Raise OperationalError unless the server is there, or answered just now."""
            if time.monotonic() - self._heard > HEARD_SECONDS:
                super().ping(*reconnect)
                self._heard = time.monotonic()

        def _done(self) -> None:
            self._pending = False
            self._heard = time.monotonic()

    return Connection


def install() -> None:
    """All of this process's connections are such. To be called before there are any."""
    import MySQLdb.connections
    from oslo_db.sqlalchemy import engines
    from sqlalchemy import Engine, event

    made = connection(MySQLdb.connections.Connection)

    def connect(dialect: Any, record: Any, args: Any, named: Any) -> Any:
        return made(*args, **named) if dialect.driver == "mysqldb" else None

    event.listen(Engine, "do_connect", connect)
    # It lets greenlets take turns, and there are none.
    engines._thread_yield = lambda connection, record: None
