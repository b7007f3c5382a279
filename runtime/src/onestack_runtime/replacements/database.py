"""Connections to the database that ask the server nothing whose answer they know.

Before each use of a connection SQLAlchemy asks whether the server is still there; after each it rolls back, also what
was just committed; and MySQLdb looks twice at each statement whether more results follow. At each of these the
process's other threads take over. Without them the machine changes threads a third less often under load.
"""

from __future__ import annotations

import select
import time
from typing import Any

from onestack_runtime.replacements.entry import NOT_ALONE, Replacement

HEARD_SECONDS = 1.0
"""How long after its last answer the server counts as there, unless the kernel knows better."""

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
            """Raise OperationalError unless the server is there. One that answered just now is, unless it has hung
            up: then there is something to read, its farewell or the end."""
            recent = time.monotonic() - self._heard <= HEARD_SECONDS
            if not recent or _readable(self.fileno()):
                super().ping(*reconnect)
                self._heard = time.monotonic()

        def _done(self) -> None:
            self._pending = False
            self._heard = time.monotonic()

    return Connection


def _readable(number: int) -> bool:
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))


def _connect(original: Any) -> tuple[Any, ...]:
    import MySQLdb.connections

    return (connection(MySQLdb.connections.Connection),)


def _no_yield(original: Any) -> tuple[Any, ...]:
    return (lambda dbapi_con, con_record: None,)


_ALL = ("keystone", "glance", "placement", "neutron", "nova", "cinder", "octavia")
_WORKERS = ("api", "conductor", "scheduler")
"""Of Nova's and Neutron's, those that have a database."""
_GAIN = "with `no-thread-yield`, a third fewer changes of threads under load (c668341); not measured alone"
_CONNECTION = "MySQLdb.connections:Connection"

ENTRIES = (
    Replacement(
        "database-connections",
        ("MySQLdb:connect",),
        _ALL,
        "performance",
        "no question whether a database server is there that just answered, nothing ended that was not begun, no "
        "look for a second result where a statement has one",
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
    Replacement(
        "no-thread-yield",
        ("oslo_db.sqlalchemy.engines:_thread_yield",),
        _ALL,
        "performance",
        "a thread that returns a connection does not let others take over: that is for greenlets, and there are none",
        _no_yield,
        NOT_ALONE,
        uses=("oslo_db.sqlalchemy.engines:create_engine",),
        workers=_WORKERS,
    ),
)
