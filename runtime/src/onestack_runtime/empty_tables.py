"""Related rows are not asked for in tables that hold none.

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
from typing import Any

from sqlalchemy import Engine, Table, event, exists, literal, select, union_all
from sqlalchemy.orm import RelationshipProperty, attributes, strategies
from sqlalchemy.orm.base import LoaderCallableStatus, PassiveFlag

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


def _nothing_for(loader: Any) -> bool:
    """Whether a loader would find nothing, since a table that it reads is empty."""
    related = (loader.mapper.local_table, loader.parent_property.secondary)
    return any(table.name in EMPTY for table in related if table is not None)


class _Loader:
    """What SQLAlchemy's own loader does, unless it would find nothing: then what it loads is set so at once."""

    def create_row_processor(self, *where: Any) -> None:
        loader: Any = self
        wanted = where[0].compile_state.compile_options._enable_eagerloads
        if not wanted or not _nothing_for(loader):
            super().create_row_processor(*where)  # type: ignore[misc]
            return

        def nothing(state: Any, loaded: Any, row: Any) -> None:
            if loader.uselist:
                attributes.init_state_collection(state, loaded, loader.key)
            else:
                loaded[loader.key] = None

        # As SQLAlchemy's `noload`: for objects that are new to the session, or loaded anew.
        where[-1]["new"].append((loader.key, nothing))


@RelationshipProperty.strategy_for(lazy="selectin")
class _SelectIn(_Loader, strategies.SelectInLoader):
    """By a query for all objects loaded together."""


@RelationshipProperty.strategy_for(lazy="subquery")
class _Subquery(_Loader, strategies.SubqueryLoader):
    """By a query that repeats the one which loaded them."""


@RelationshipProperty.strategy_for(lazy=True)
@RelationshipProperty.strategy_for(lazy="select")
class _Lazy(strategies.LazyLoader):
    """By a query for one object, when first used: Neutron uses all relations of a new object at its commit."""

    def _emit_lazyload(self, session: Any, state: Any, identity: Any, passive: Any, *more: Any) -> Any:
        if _nothing_for(self) and state.key and not passive & PassiveFlag.NO_AUTOFLUSH:
            # The query would first write down what waits for it, and find it then.
            session._autoflush()
        if not _nothing_for(self):
            return super()._emit_lazyload(session, state, identity, passive, *more)
        if self.key in state.dict and not passive & PassiveFlag.DEFERRED_HISTORY_LOAD:
            return LoaderCallableStatus.ATTR_WAS_SET
        return [] if self.uselist else None


_UNJOINED: set[str] = set()


def unjoin(*tables: str) -> None:
    """Load from `tables` by a query of its own what would be joined to every query: where they are empty, by none.

    Call it before models are used. Not for tables whose ids come from requests: the database takes the same id in
    capitals for the same, SQLAlchemy, which then puts the rows together, does not.
    """
    _UNJOINED.update(tables)


@RelationshipProperty.strategy_for(lazy="joined")
@RelationshipProperty.strategy_for(lazy=False)
class _Joined(strategies.JoinedLoader):
    """By a join."""

    def __new__(cls, parent: Any, key: Any) -> Any:
        if parent.mapper.local_table.name in _UNJOINED and parent.strategy_key == key:
            return _SelectIn(parent, (("lazy", "selectin"),))
        return super().__new__(cls)
