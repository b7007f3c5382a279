"""Determines which tables are empty for a transaction; no related rows are queried from those (`relations`).

With each port, network, subnet and router Neutron loads all that may belong to it: tags, DHCP options, allowed
address pairs, host routes, port forwardings and many more. Each is a query, and in most clouds most of these tables
are empty; the queries took 40 % of Neutron's time. Here each transaction queries once which tables are empty.

The results are the same as with the queries. InnoDB's REPEATABLE READ gives a transaction a snapshot of the database
as of its first read, plus its own writes. So a table that is empty for a transaction stays empty until the
transaction ends, whatever others insert, unless it writes to that table itself (an UPDATE may make visible a row that
another transaction inserted). Such writes are detected. At other isolation levels no table counts as empty.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, RootTransaction
    from sqlalchemy.orm import Session, SessionTransaction

LOG = logging.getLogger(__name__)

REPEATABLE = ("REPEATABLE READ", "SERIALIZABLE")
"""Isolation levels with repeatable reads."""
_NEVER_FILL = ("SELECT ", "DELETE ")
"""The beginnings of most statements that cannot fill an empty table."""
_WRITES = re.compile(r"\b(?:INSERT|REPLACE|UPDATE)\b", re.IGNORECASE)
_INTO = re.compile(
    r"\s*(?:(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+(?:[`\"]?\w+[`\"]?\.)?|UPDATE\s+(?=\S+\s+SET\b))[`\"]?(\w+)",
    re.IGNORECASE,
)


class EmptyTables:
    """The tables that each transaction found empty. No table counts as empty before `learn`."""

    def __init__(self) -> None:
        self._guard = Lock()
        # The tables that may be empty, and the query that checks them.
        self._checked: tuple[tuple[str, ...], str] = ((), "")
        # The same sets under two keys: loaders know the session's transaction, statement events the connection's.
        self._of_session: WeakKeyDictionary[SessionTransaction, set[str]] = WeakKeyDictionary()
        self._of_database: WeakKeyDictionary[RootTransaction, set[str]] = WeakKeyDictionary()

    def learn(self, engine: Engine, names: Iterable[str]) -> None:
        """From now on, check these tables in each transaction, except those that already contain rows.

        Raises SQLAlchemyError.
        """
        from sqlalchemy import Engine, event

        event.listen(Engine, "before_cursor_execute", self._before_statement)
        with engine.connect() as connection:
            isolation = connection.get_isolation_level()
            if isolation in REPEATABLE:
                self._check_only(names)
                self._query(connection)
            else:
                LOG.warning(
                    "related rows are queried from empty tables, too: the isolation level is %s", isolation
                )

    def are_empty(self, session: Session, names: Collection[str]) -> bool:
        """Whether all these tables are empty for the session's transaction; False also if that is unknown."""
        candidates, _ = self._checked
        return all(name in candidates for name in names) and self._of(session).issuperset(names)

    def _of(self, session: Session) -> set[str]:
        """The empty tables of the session's transaction; queries them if this is the first call in it."""
        within = session.get_transaction()
        if within is not None and (empty := self._of_session.get(within)) is not None:
            return empty
        connection = session.connection()
        within, database = session.get_transaction(), connection.get_transaction()
        if within is None or database is None:
            return set()
        empty = self._of_database.get(database)
        if empty is None:
            empty = self._of_database[database] = self._query(connection)
        self._of_session[within] = empty
        return empty

    def _query(self, connection: Connection) -> set[str]:
        candidates, query = self._checked
        row = connection.exec_driver_sql(query).one() if candidates else ()
        empty = {name for name, filled in zip(candidates, row, strict=True) if not filled}
        if len(empty) < len(candidates):
            # The other tables contain rows: later transactions load from them as upstream does.
            self._check_only(empty)
        return empty

    def _check_only(self, names: Iterable[str]) -> None:
        with self._guard:
            candidates = tuple(sorted(names))
            # Both MariaDB and SQLite take these quotes.
            each = ", ".join(f"EXISTS (SELECT 1 FROM `{name}`)" for name in candidates)
            self._checked = (candidates, f"SELECT {each}")

    def _before_statement(self, connection: Connection, cursor: Any, statement: str, *more: Any) -> None:
        if statement.startswith(_NEVER_FILL):
            return
        into = _INTO.match(statement)
        database = connection.get_transaction()
        empty = self._of_database.get(database) if database is not None else None
        if empty is None:
            return
        if into is not None:
            empty.discard(into[1])
        elif _WRITES.search(statement):
            # Which table it writes to is unknown.
            empty.clear()


EMPTY = EmptyTables()


def related(models: Any) -> set[str]:
    """The names of all tables that some relationship loads from. `models`: the declarative base class."""
    names = set()
    for mapper in models.registry.mappers:
        for relationship in mapper.relationships:
            tables = (relationship.mapper.local_table, relationship.secondary)
            names |= {table.name for table in tables if table is not None}
    return names
