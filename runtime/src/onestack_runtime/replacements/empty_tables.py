"""Which tables are empty: related rows are not asked for in those (`onestack_runtime.replacements.relations`).

With each port, network, subnet and router Neutron loads all that may belong to it: tags, DHCP options, allowed
address pairs, host routes, port forwardings and many more. Each is a query, and in most clouds most of these tables
are empty; the queries took four tenths of Neutron's time. Which tables are empty is asked once. A table that anything
in this process inserts into counts as one that is not, from before the insertion until the process ends.

Nobody but this process inserts into the database (see neutron_workers). In case somebody does, say a tool in an
operator's hands, tables that are filled are looked for now and then.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Engine, Table

LOG = logging.getLogger(__name__)

SECONDS = 30.0
"""Between two looks for tables that others filled."""

_OTHERS = ("SELECT ", "UPDATE ", "DELETE ")
"""How most statements begin that insert nothing."""
_INSERTS = re.compile(r"\b(?:INSERT|REPLACE)\b", re.IGNORECASE)
_INTO = re.compile(
    r"\s*(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+(?:[`\"]?\w+[`\"]?\.)?[`\"]?(\w+)", re.IGNORECASE
)


class EmptyTables:
    """The names of the tables that are known to be empty: none before `watch` and `learn`."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._all: frozenset[str] = frozenset()
        self._filled: set[str] = set()
        self._names: frozenset[str] = frozenset()

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def watch(self) -> None:
        """Notice what is inserted. To be called before anything is."""
        from sqlalchemy import Engine, event

        event.listen(Engine, "before_cursor_execute", self._notice)

    def learn(self, engine: Engine, tables: Iterable[Table]) -> None:
        """Ask which of `tables` are empty. Raises SQLAlchemyError."""
        tables = list(tables)
        self._all = frozenset(table.name for table in tables)
        filled = _filled(engine, tables)
        with self._guard:
            self._names = self._all - filled - self._filled

    def look(self, engine: Engine, tables: Iterable[Table]) -> None:
        """Find those that others filled meanwhile. Raises SQLAlchemyError."""
        asked = [table for table in tables if table.name in self]
        if asked:
            self.fill(*_filled(engine, asked))

    def fill(self, *names: str) -> None:
        """These count as filled from now on."""
        with self._guard:
            self._filled.update(names)
            self._names -= self._filled

    def forget(self) -> None:
        """None counts as empty any more."""
        self.fill(*self._all)

    def _notice(self, connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        if statement.startswith(_OTHERS):
            return
        into = _INTO.match(statement)
        if into is not None:
            if into[1] in self._names or into[1] not in self._filled:
                self.fill(into[1])
        elif _INSERTS.search(statement):
            self.forget()


def _filled(engine: Engine, tables: Iterable[Table]) -> set[str]:
    """The names of those that hold rows."""
    from sqlalchemy import exists, literal, select, union_all

    asked = [select(literal(table.name)).where(exists().select_from(table)) for table in tables]
    with engine.connect() as connection:
        return set(connection.scalars(union_all(*asked)))


EMPTY = EmptyTables()


def keep(engine: Engine, tables: Iterable[Table], ended: Callable[[float], bool]) -> None:
    """Look for tables that others filled until `ended`, which waits so many seconds, says so."""
    tables = list(tables)
    while not ended(SECONDS):
        try:
            EMPTY.look(engine, tables)
        except Exception as error:
            LOG.info("the database is away: %s", error)
