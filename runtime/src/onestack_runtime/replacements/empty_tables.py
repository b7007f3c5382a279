"""Which tables are empty for a transaction: related rows are not queried from those (`relations`).

With each port, network, subnet and router Neutron loads all that may belong to it: tags, DHCP options, allowed
address pairs, host routes, port forwardings and many more. Each is a query, and in most clouds most of these tables
are empty; the queries took 40 % of Neutron's time. Here each transaction queries once which tables are empty.

The answer is the one that the queries would give. A transaction sees the database as it was when it first read
(InnoDB's REPEATABLE READ), and what it writes itself, which may be a row that another one inserted and it updates. So
what is empty for it stays so until it ends, whatever other transactions insert, or until it writes there itself,
which is detected. At other isolation levels no table counts as empty.
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
_OTHERS = ("SELECT ", "DELETE ")
"""The beginning of most statements after which empty tables are still empty."""
_WRITES = re.compile(r"\b(?:INSERT|REPLACE|UPDATE)\b", re.IGNORECASE)
_INTO = re.compile(
    r"\s*(?:(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+(?:[`\"]?\w+[`\"]?\.)?|UPDATE\s+(?=\S+\s+SET\b))[`\"]?(\w+)",
    re.IGNORECASE,
)


class EmptyTables:
    """The tables that each transaction found empty. No table counts as empty before `learn`."""

    def __init__(self) -> None:
        self._guard = Lock()
        # Tables that are checked, and the query that checks them.
        self._asked: tuple[tuple[str, ...], str] = ((), "")
        # The same sets by the session's transaction, which loaders know, and the database's, which statements know.
        self._of_session: WeakKeyDictionary[SessionTransaction, set[str]] = WeakKeyDictionary()
        self._of_database: WeakKeyDictionary[RootTransaction, set[str]] = WeakKeyDictionary()

    def learn(self, engine: Engine, names: Iterable[str]) -> None:
        """Each transaction is asked for these tables from now on, without those that hold rows already.

        Raises SQLAlchemyError.
        """
        from sqlalchemy import Engine, event

        event.listen(Engine, "before_cursor_execute", self._notice)
        with engine.connect() as connection:
            isolation = connection.get_isolation_level()
            if isolation in REPEATABLE:
                self._worth(names)
                self._ask(connection)
            else:
                LOG.warning("related rows are asked for in empty tables, too: the isolation is %s", isolation)

    def are_empty(self, session: Session, names: Collection[str]) -> bool:
        """Whether all these tables are, for the session's transaction; False also where that is not known."""
        candidates, _ = self._asked
        return all(name in candidates for name in names) and self._told(session).issuperset(names)

    def _told(self, session: Session) -> set[str]:
        within = session.get_transaction()
        if within is not None and (told := self._of_session.get(within)) is not None:
            return told
        connection = session.connection()
        within, database = session.get_transaction(), connection.get_transaction()
        if within is None or database is None:
            return set()
        told = self._of_database.get(database)
        if told is None:
            told = self._of_database[database] = self._ask(connection)
        self._of_session[within] = told
        return told

    def _ask(self, connection: Connection) -> set[str]:
        candidates, question = self._asked
        found = connection.exec_driver_sql(question).one() if candidates else ()
        empty = {name for name, filled in zip(candidates, found, strict=True) if not filled}
        if len(empty) < len(candidates):
            # The others are read in the ordinary way from now on.
            self._worth(empty)
        return empty

    def _worth(self, names: Iterable[str]) -> None:
        with self._guard:
            candidates = tuple(sorted(names))
            # Both MariaDB and SQLite take these quotes.
            each = ", ".join(f"EXISTS (SELECT 1 FROM `{name}`)" for name in candidates)
            self._asked = (candidates, f"SELECT {each}")

    def _notice(self, connection: Connection, cursor: Any, statement: str, *more: Any) -> None:
        if statement.startswith(_OTHERS):
            return
        into = _INTO.match(statement)
        database = connection.get_transaction()
        told = self._of_database.get(database) if database is not None else None
        if told is None:
            return
        if into is not None:
            told.discard(into[1])
        elif _WRITES.search(statement):
            told.clear()


EMPTY = EmptyTables()


def related(models: Any) -> set[str]:
    """The names of the tables that hold what belongs to something. `models`: the base class of models."""
    found = set()
    for mapper in models.registry.mappers:
        for relation in mapper.relationships:
            tables = (relation.mapper.local_table, relation.secondary)
            found |= {table.name for table in tables if table is not None}
    return found
